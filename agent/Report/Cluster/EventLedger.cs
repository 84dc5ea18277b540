using System.Collections.Immutable;
using PinAgent.Model.Vm;

namespace PinAgent.Report.Cluster;

/// <summary>The object that an event is about.</summary>
internal sealed record EventSubject(
    string ApiVersion,
    string Kind,
    string Namespace,
    string Name,
    string Uid
);

/// <summary>An event as the cluster keeps it: once, with a count.</summary>
/// <param name="First">What happened the first time.</param>
/// <param name="Begin">When that was.</param>
/// <param name="Count">How often it has happened.</param>
/// <param name="Last">When it last happened.</param>
internal sealed record EventSeries(
    string Name,
    EventSubject Subject,
    VmEvent First,
    DateTimeOffset Begin,
    int Count,
    DateTimeOffset Last
)
{
    /// <summary>Whether the cluster doesn't know of it yet.</summary>
    public bool IsNew => Count == 1;
}

/// <summary>
/// Makes few events of many: what happens to an object again within <see cref="Quiet"/> is counted, and the count is
/// told at most once in <see cref="Pace"/>. No clock and no I/O of its own.
/// </summary>
/// <remarks>As the API wants it: <c>kubernetes.io/docs/reference/kubernetes-api/cluster-resources/event-v1</c>.</remarks>
internal sealed class EventLedger
{
    /// <summary>What hasn't happened for so long begins anew.</summary>
    public static readonly TimeSpan Quiet = TimeSpan.FromMinutes(10);

    /// <summary>The shortest time between two counts.</summary>
    public static readonly TimeSpan Pace = TimeSpan.FromMinutes(1);

    private readonly Dictionary<Key, Entry> _entries = [];

    /// <summary>Takes in what happened, and returns what is to be told now.</summary>
    /// <param name="happened">What happened to which object.</param>
    public ImmutableArray<EventSeries> Take(
        IEnumerable<(EventSubject Subject, VmEvent Event)> happened,
        DateTimeOffset now
    )
    {
        var told = ImmutableArray.CreateBuilder<EventSeries>();
        foreach (var (subject, occurrence) in happened)
        {
            var key = new Key(subject.Uid, occurrence.Kind, occurrence.Cause);
            if (
                _entries.TryGetValue(key, out var entry)
                && (now - entry.Series.Last).Duration() < Quiet
            )
            {
                entry.Series = entry.Series with { Count = entry.Series.Count + 1, Last = now };
                continue;
            }

            // As client-go names them.
            var name = $"{subject.Name}.{now.ToUnixTimeMilliseconds():x}{(int)occurrence.Kind:x}";
            var series = new EventSeries(name, subject, occurrence, now, 1, now);
            _entries[key] = new Entry(series) { Told = 1, ToldAt = now };
            told.Add(series);
        }

        foreach (var (key, entry) in _entries.ToList())
        {
            var isDue = (now - entry.ToldAt).Duration() >= Pace;
            if (entry.Series.Count > entry.Told && isDue)
            {
                (entry.Told, entry.ToldAt) = (entry.Series.Count, now);
                told.Add(entry.Series);
            }
            else if (
                entry.Series.Count == entry.Told
                && (now - entry.Series.Last).Duration() >= Quiet
            )
            {
                _entries.Remove(key);
            }
        }

        return told.ToImmutable();
    }

    private readonly record struct Key(string Uid, VmEventKind Kind, Reason? Cause);

    private sealed class Entry(EventSeries series)
    {
        public EventSeries Series { get; set; } = series;

        public int Told { get; set; }

        public DateTimeOffset ToldAt { get; set; }
    }
}
