using System.Collections.Immutable;

namespace PinAgent.Report.Metrics;

/// <summary>How long something took, each time. A value: adding to it makes another.</summary>
/// <param name="Counts">How many were within each bound and beyond the one before; the last, beyond all bounds.</param>
internal sealed record Histogram(ImmutableArray<long> Counts, TimeSpan Sum)
{
    /// <summary>The bounds in seconds: from the pinning of a new thread to a pass that takes longer than it may.</summary>
    public static ImmutableArray<double> Bounds { get; } =
    [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5];

    /// <summary>Nothing was measured.</summary>
    public static Histogram Empty { get; } =
        new([.. Enumerable.Repeat(0L, Bounds.Length + 1)], TimeSpan.Zero);

    /// <summary>With one more.</summary>
    public Histogram With(TimeSpan took)
    {
        var bound = Bounds.BinarySearch(took.TotalSeconds);
        var place = bound < 0 ? ~bound : bound;
        return new(Counts.SetItem(place, Counts[place] + 1), Sum + took);
    }
}
