using System.Collections.Immutable;
using PinAgent.Plan.Labels;

namespace PinAgent.Report.Cluster;

/// <summary>One of the labels that say that the CPU manager runs.</summary>
/// <param name="Wanted">The value it should have; null for none, and where that's the administrator's affair.</param>
/// <param name="Actual">The value it had when the node was last read; null if there was no such label.</param>
/// <param name="Owner">Who has set it; null if nobody is on record.</param>
/// <param name="Message">The sentence.</param>
internal sealed record LabelStatus(string? Wanted, string? Actual, string? Owner, string Message)
{
    /// <summary>Whether it should have a value and has another.</summary>
    internal bool IsWrong => Wanted is not null && Wanted != Actual;

    /// <summary>The labels of a decision, by key.</summary>
    public static ImmutableSortedDictionary<string, LabelStatus> Of(LabelDecision decision) =>
        decision.Labels.ToImmutableSortedDictionary(
            label => label.Key,
            label => new LabelStatus(
                label.Wanted,
                label.Actual,
                label.Owner,
                label.Problem ?? decision.Message
            ),
            StringComparer.Ordinal
        );
}
