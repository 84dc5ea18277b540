using System.Collections.Immutable;
using PinAgent.Model.Kubernetes;
using PinAgent.Model.Vm;

namespace PinAgent.Model.Node;

/// <summary>What the administrator has told the agent about this node's VMs.</summary>
/// <param name="NamedVms">The guests to pin (<c>--vm</c>); empty to infer them.</param>
/// <param name="Vmis">The VMIs known from files (<c>--vmi</c>).</param>
internal sealed record PlanSettings(
    ImmutableArray<NamedGuest> NamedVms,
    ImmutableArray<VmiFacts> Vmis
)
{
    /// <summary>The VMs that were given back with <c>pinagent release</c>.</summary>
    public ImmutableHashSet<VmKey> Released { get; init; } = [];

    /// <summary>Nothing told.</summary>
    public static PlanSettings Default { get; } = new([], []);
}
