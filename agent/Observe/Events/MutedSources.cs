using System.Collections.Immutable;

namespace PinAgent.Observe.Events;

/// <summary>
/// The sources whose events aren't taken for a while, so many at most: a filter of the kernel's has them all. Pure.
/// </summary>
/// <typeparam name="TSource">What names a source.</typeparam>
internal sealed class MutedSources<TSource>(int most, TimeSpan duration)
    where TSource : notnull
{
    private readonly Dictionary<TSource, TimeSpan> _until = [];

    /// <summary>The sources, in the order in which they were muted. The very same value until they're others.</summary>
    public ImmutableArray<TSource> All { get; private set; } = [];

    /// <summary>Whether this one is muted.</summary>
    public bool Contains(TSource source) => _until.ContainsKey(source);

    /// <summary>Mutes a source; one that is muted already is so no longer for that.</summary>
    /// <returns>False if there's no room for it.</returns>
    public bool TryMute(TSource source, TimeSpan now)
    {
        if (_until.ContainsKey(source))
        {
            return true;
        }

        if (_until.Count >= most)
        {
            return false;
        }

        _until[source] = now + duration;
        All = All.Add(source);
        return true;
    }

    /// <summary>Lets those speak again whose time is over.</summary>
    /// <returns>Those.</returns>
    public ImmutableArray<TSource> Expire(TimeSpan now)
    {
        if (Left(now) is not { } left || left > TimeSpan.Zero)
        {
            return [];
        }

        ImmutableArray<TSource> over = [.. All.Where(source => _until[source] <= now)];
        foreach (var source in over)
        {
            _until.Remove(source);
        }

        All = All.RemoveRange(over);
        return over;
    }

    /// <summary>How long until the first of them may speak again; null if none is muted.</summary>
    public TimeSpan? Left(TimeSpan now) => All.IsEmpty ? null : _until[All[0]] - now;
}
