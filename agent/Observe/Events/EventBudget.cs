using PinAgent.Model;

namespace PinAgent.Observe.Events;

/// <summary>
/// How many events each source (a process, a cgroup) may have told, and all of them together: a bucket each that holds a
/// burst and fills again at a rate. What a source has beyond its share costs nobody else anything. Pure: the caller
/// brings the time. Who exceeds the room of the ledger itself is held by the common bucket alone.
/// </summary>
/// <typeparam name="TSource">What names a source.</typeparam>
internal sealed class EventBudget<TSource>(Bucket each, Bucket all, int mostSources)
    where TSource : notnull
{
    // Of each source that isn't back at a full bucket, when it will be.
    private readonly Dictionary<TSource, TimeSpan> _fullAt = [];
    private TimeSpan _allFullAt;
    private TimeSpan _purged = TimeSpan.MinValue;
    private TimeSpan _now;

    /// <summary>How many sources the ledger has at the moment.</summary>
    public int Sources => _fullAt.Count;

    /// <summary>Takes one event from what a source has left.</summary>
    /// <param name="at">When it happened; a time before the last one's counts as that.</param>
    public EventVerdict Take(TSource source, TimeSpan at)
    {
        _now = at > _now ? at : _now;
        var isKnown = _fullAt.TryGetValue(source, out var fullAt);
        if (isKnown && !each.HasOne(fullAt, _now))
        {
            return EventVerdict.SourceExceeds;
        }

        if (!all.HasOne(_allFullAt, _now))
        {
            return EventVerdict.AllExceed;
        }

        _allFullAt = all.After(_allFullAt, _now);
        if (isKnown || HasRoom())
        {
            _fullAt[source] = each.After(fullAt, _now);
        }

        return EventVerdict.Within;
    }

    // Looking for room takes as long as the ledger is, so it isn't done for every event of a crowd.
    private bool HasRoom()
    {
        if (_fullAt.Count < mostSources)
        {
            return true;
        }

        if (_now < _purged + TimeSpan.FromSeconds(1))
        {
            return false;
        }

        _purged = _now;
        foreach (var source in _fullAt.Where(source => source.Value <= _now).ToList())
        {
            _fullAt.Remove(source.Key);
        }

        return _fullAt.Count < mostSources;
    }
}

/// <summary>What comes of an event.</summary>
internal enum EventVerdict
{
    /// <summary>It's handed on.</summary>
    Within,

    /// <summary>Its source has had more than its share.</summary>
    SourceExceeds,

    /// <summary>All sources together have.</summary>
    AllExceed,
}
