using System.Collections.Immutable;
using PinAgent.Apply;
using PinAgent.Model.Changes;
using PinAgent.Model.Node;
using PinAgent.Model.Vm;
using PinAgent.Report.Status;

namespace PinAgent.Report;

/// <summary>The mode the agent runs in.</summary>
/// <param name="Message">Why it only audits though it was told to enforce; null otherwise.</param>
internal sealed record EffectiveMode(AgentMode Mode, string? Message)
{
    /// <summary>What else is to be said of it, in either mode; null if nothing is.</summary>
    public string? Notice { get; init; }
}

/// <summary>What a pass did.</summary>
/// <param name="Vms">The same by VM, with what was done.</param>
/// <param name="Changes">What has happened since the pass before.</param>
/// <param name="PinTimes">How long the threads that it pinned had had their names.</param>
internal sealed record PassResult(
    NodeStatus Status,
    ImmutableArray<VmPassResult> Vms,
    ImmutableArray<VmChange> Changes,
    IReadOnlyList<TimeSpan> PinTimes
)
{
    /// <summary>Whether every VM that is named with <c>--vm</c> is there, and none of them refused.</summary>
    public bool IsAsTold { get; init; } = true;
}

/// <summary>What a pass did to one VM.</summary>
/// <param name="WasHeld">
/// Whether its placement is the one that the pass before enforced, so that a change was a repair.
/// </param>
internal sealed record VmPassResult(VmOutcome Outcome, bool WasHeld)
{
    /// <summary>What administrators see; made when it's first asked for.</summary>
    public VmStatus Status
    {
        get => field ??= StatusBuilder.Build(Outcome);
        init;
    }

    /// <summary>The threads that had strayed, not those that are new, and are where they belong again.</summary>
    public ImmutableArray<ThreadKey> PutBack =>
        WasHeld
            ?
            [
                .. Outcome
                    .Threads.Where(thread =>
                        !thread.Planned.IsNew
                        && (thread.Outcome == Apply.Outcome.Applied || thread.IsSchedulingChange)
                    )
                    .Select(thread => ThreadKey.Of(thread.Planned.Thread)),
            ]
            : [];

    /// <summary>The same, as if it had been done together with what was done before.</summary>
    internal VmPassResult After(VmPassResult first) =>
        new(Outcome.After(first.Outcome), WasHeld && first.WasHeld);
}
