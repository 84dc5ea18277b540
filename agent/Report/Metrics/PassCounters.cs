using System.Collections.Immutable;
using PinAgent.Model.Changes;
using PinAgent.Model.Text;
using PinAgent.Report.Status;

namespace PinAgent.Report.Metrics;

/// <summary>What the passes since the agent's start add up to. A value: adding a pass makes another.</summary>
/// <param name="Passes">How long the passes took that look for changes or at everything.</param>
/// <param name="Pins">How long new threads ran, or waited, between their names and their masks.</param>
/// <param name="Unpinned">
/// How long dedicated VMs weren't pinned: two of them for a second are two seconds. What strayed and was put back between
/// two passes isn't in it, as nobody saw when it happened: that is counted as a repair.
/// </param>
/// <param name="ForeignMasks">How many threads had masks that somebody else had set, and not by a cpuset.</param>
internal sealed record PassCounters(
    Histogram Passes,
    Histogram Pins,
    TimeSpan Unpinned,
    long ForeignMasks
)
{
    /// <summary>What programs are counted as that come when there are many: a name is whatever its owner calls it.</summary>
    public const string OtherWriters = "others";

    private const int MostWriters = 16;

    /// <summary>How many threads' masks each program has set, by its name; only those of which the kernel told.</summary>
    public ImmutableSortedDictionary<string, long> Writers { get; private init; } =
        ImmutableSortedDictionary.Create<string, long>(StringComparer.Ordinal);

    /// <summary>Before the first pass.</summary>
    public static PassCounters None { get; } =
        new(Histogram.Empty, Histogram.Empty, TimeSpan.Zero, 0);

    /// <summary>With one more pass.</summary>
    /// <param name="before">What held until it ended; null if it's the first one.</param>
    /// <param name="since">How long that has held.</param>
    public PassCounters With(PassFigures figures, NodeStatus? before, TimeSpan since) =>
        new(
            figures.Took is { } whole ? Passes.With(whole) : Passes,
            figures.Pins.Aggregate(Pins, (histogram, pin) => histogram.With(pin)),
            Unpinned + (since * (before?.Vms.Count(Objective.IsMissed) ?? 0)),
            ForeignMasks + figures.ForeignMasks
        )
        {
            Writers = figures.Writers.Aggregate(Writers, Count),
        };

    private static ImmutableSortedDictionary<string, long> Count(
        ImmutableSortedDictionary<string, long> writers,
        (string Name, int Threads) more
    )
    {
        var name =
            writers.Count < MostWriters || writers.ContainsKey(more.Name)
                ? more.Name
                : OtherWriters;
        return writers.SetItem(name, writers.GetValueOrDefault(name) + more.Threads);
    }
}

/// <summary>What was counted of one pass.</summary>
/// <param name="Took">How long it took; null if it was over some VMs only.</param>
/// <param name="Pins">How long the threads it pinned had had their names.</param>
/// <param name="ForeignMasks">How many threads had masks that somebody else had set, and not by a cpuset.</param>
internal sealed record PassFigures(TimeSpan? Took, IReadOnlyList<TimeSpan> Pins, int ForeignMasks)
{
    private const int LongestProgram = 64;

    /// <summary>Who had set the masks, as far as the kernel has told.</summary>
    public ImmutableArray<(string Name, int Threads)> Writers { get; init; } = [];

    /// <summary>What a pass adds.</summary>
    public static PassFigures Of(PassResult result, TimeSpan? took) =>
        new(
            took,
            result.PinTimes,
            result
                .Changes.Where(change => change.Cause == ChangeCause.MasksSet)
                .Sum(change => change.Threads.Length)
        )
        {
            Writers =
            [
                .. result
                    .Changes.Where(change =>
                        change is { Cause: ChangeCause.MasksSet, Program: not null }
                    )
                    .Select(change =>
                        (Words.Shown(change.Program!, LongestProgram), change.Threads.Length)
                    ),
            ],
        };

    /// <summary>How many threads had strayed and were put back where they belong, or moved with their VM's CPUs.</summary>
    public static int Repairs(IEnumerable<VmChange> changes) =>
        changes.Where(change => change.IsDrift).Sum(change => change.Threads.Length);
}
