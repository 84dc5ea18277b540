using System.Collections.Immutable;
using PinAgent.Model.Changes;
using PinAgent.Model.Text;
using PinAgent.Report.Changes;
using PinAgent.State;

namespace PinAgent.Report.Timeline;

/// <summary>
/// What happened on the node lately, from the history that is kept over the agent's restart: the last 300 changes, 60 of one
/// VM at most, of up to 600 characters each and the names of 20 VMs: some 100 KiB, and 3.5 MiB where all happened to 20 VMs at once
/// whose names are as long as they can be. Read when it's first asked for. Safe for use by several threads.
/// </summary>
internal sealed class NodeTimeline
{
    /// <summary>The changes that are shown.</summary>
    public const int Most = 300;

    /// <summary>Those of one VM: who changes all the time leaves the others their place.</summary>
    public const int MostOfOneVm = 60;

    private const int LongestWords = 300;
    private const int MostNamed = 3;

    // Whose own history it is in, too.
    private const int MostTraced = 20;

    private readonly Lock _lock = new();
    private readonly HistoryFile? _history;
    private readonly TimeProvider _time;
    private ImmutableArray<TimelineEntry>? _entries;

    /// <summary>The timeline of a history, and of what is added to it from now on.</summary>
    public NodeTimeline(HistoryFile? history, TimeProvider time)
    {
        (_history, _time) = (history, time);
        if (history is not null)
        {
            history.Added = Take;
        }
    }

    /// <summary>Another object after each change.</summary>
    public object Stamp { get; private set; } = new();

    /// <summary>What there is to show, the oldest first, and the time until which it goes.</summary>
    public TimelinePicture Picture()
    {
        lock (_lock)
        {
            _entries ??= Entries([], Load());
            return new TimelinePicture(_time.GetUtcNow(), _entries.Value);
        }
    }

    /// <summary>Changes in words, the oldest first: those before, and these.</summary>
    internal static ImmutableArray<TimelineEntry> Entries(
        ImmutableArray<TimelineEntry> before,
        IEnumerable<VmChange> changes
    )
    {
        var all = before.Concat(
            changes
                .Where(change => change.Kind != VmChangeKind.ThreadsPlaced)
                .GroupBy(change => (change.At, change.Kind, What: ChangeText.What(change)))
                .Select(same =>
                {
                    var names = Names(same);
                    return new TimelineEntry(
                        same.Key.At,
                        same.Key.Kind,
                        Who(names),
                        Words.Shown(same.Key.What, LongestWords)
                    )
                    {
                        Named = TimelineEntry.Join(
                            names.Take(MostTraced).Select(name => Words.Shown(name))
                        ),
                    };
                })
        );
        var of = new Dictionary<string, int>(StringComparer.Ordinal);
        return
        [
            .. all.Distinct()
                // Waits are told of when they have begun and ended.
                .OrderBy(entry => entry.At)
                .Reverse()
                .Where(entry =>
                    (of[entry.Who] = of.GetValueOrDefault(entry.Who) + 1) <= MostOfOneVm
                )
                .Take(Most)
                .Reverse(),
        ];
    }

    private static List<string> Names(IEnumerable<VmChange> same) =>
        [
            .. same.Where(change => !change.IsOfAgent)
                .Select(change => $"{change.Namespace}/{change.Name}")
                .Distinct(),
        ];

    private static string Who(List<string> names) =>
        Words.Shown(
            string.Join(", ", names.Take(MostNamed))
                + (names.Count > MostNamed ? $" and {names.Count - MostNamed} more" : "")
        );

    private void Take(IReadOnlyCollection<VmChange> changes)
    {
        lock (_lock)
        {
            // What is in the file already is read with it.
            _entries = _entries is { } before ? Entries(before, changes) : null;
            Stamp = new();
        }
    }

    private IReadOnlyList<VmChange> Load()
    {
        try
        {
            return _history?.Read() ?? [];
        }
        catch (StateException)
        {
            // The status has a notice of it.
            return [];
        }
    }
}

/// <summary>What happened, the oldest first.</summary>
/// <param name="Now">Until when.</param>
internal sealed record TimelinePicture(DateTimeOffset Now, ImmutableArray<TimelineEntry> Entries);
