using PinAgent.Plan.Contests;
using PinAgent.Plan.Dedication;
using PinAgent.Plan.Ownership;
using PinAgent.Plan.Placement;
using PinAgent.Plan.Rivals;

namespace PinAgent.Plan;

/// <summary>What planning remembers from one pass to the next: a value that goes in and another that comes out.</summary>
/// <param name="Decisions">What has been decided about the VMs of a cluster's node.</param>
/// <param name="Contests">The VMs whose pins another program undoes; none where the agent doesn't pin.</param>
/// <param name="Disagreements">Since when a VM's exclusive CPUs are told differently.</param>
/// <param name="Overlaps">Since when VMs' CPUs are also others'.</param>
/// <param name="Cpus">What a plain host's VMs were given at their beginning, and what was chosen for them.</param>
internal sealed record PlanMemory(
    HeldPlacements Held,
    Decisions Decisions,
    NodeContests Contests,
    Disagreements Disagreements,
    Overlaps Overlaps,
    CpuClaims Cpus
)
{
    /// <summary>Whether another pass may come to something else though it finds the same.</summary>
    public bool IsPending => Disagreements.IsPending || Overlaps.IsPending || Contests.IsPending;

    /// <summary>Before the first pass.</summary>
    public static readonly PlanMemory None = new(
        HeldPlacements.None,
        Decisions.None,
        NodeContests.None,
        Disagreements.None,
        Overlaps.None,
        CpuClaims.None
    );
}
