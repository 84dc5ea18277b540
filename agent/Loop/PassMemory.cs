using System.Collections.Immutable;
using PinAgent.Model.Node;
using PinAgent.Model.Vm;
using PinAgent.Observe.Events.Foreign;
using PinAgent.Plan;
using PinAgent.Report;
using PinAgent.Report.Cluster;

namespace PinAgent.Loop;

/// <summary>What one pass leaves to the next.</summary>
internal sealed record PassMemory(PlanMemory Plan)
{
    /// <summary>The node with the masks as they were left; null before the first pass.</summary>
    public NodeSnapshot? Snapshot { get; init; }

    /// <summary>What the last pass depended on.</summary>
    public PassInputs? Inputs { get; init; }

    /// <summary>The VMs whose masks were to be written.</summary>
    public ImmutableHashSet<VmKey> Enforced { get; init; } = [];

    /// <summary>What the last pass came to.</summary>
    public PassResult? Result { get; init; }

    /// <summary>Whether another pass with the same inputs would come to the same.</summary>
    public bool IsAtRest { get; init; }

    /// <summary>When another pass may come to something else for no other reason than the time, since the machine's boot.</summary>
    public TimeSpan Due { get; init; } = TimeSpan.MaxValue;

    /// <summary>What another pass would come to; null if one has to be made.</summary>
    /// <param name="now">The time since the machine's boot.</param>
    public PassResult? Same(PassInputs inputs, TimeSpan now) =>
        IsAtRest && now < Due && inputs == Inputs ? Result : null;

    /// <summary>Threads put back since the agent started.</summary>
    public long Repairs { get; init; }
}

/// <summary>All that a pass depends on, beside what the one before it has left.</summary>
/// <param name="Mode">Whether masks are written.</param>
/// <param name="Events">Whether the kernel tells of new threads; null where it isn't asked.</param>
internal sealed record PassInputs(
    NodeSnapshot Snapshot,
    EffectiveMode Mode,
    ImmutableHashSet<VmKey> Released,
    ImmutableSortedDictionary<string, LabelStatus> Labels,
    EventSource? Events,
    NodeNeighbours Neighbours
);

/// <summary>What passes of a running agent ask and tell, and a single pass on one machine doesn't.</summary>
internal sealed record PassSurroundings
{
    /// <summary>Says how long ago the machine was booted, as processes' start times count; null for the pass's own clock.</summary>
    public Func<TimeSpan>? SinceBoot { get; init; }

    /// <summary>Keeps the node's labels; null outside a cluster.</summary>
    public LabelKeeper? Labels { get; init; }

    /// <summary>Tells the cluster what was done; null outside a cluster.</summary>
    public ClusterReporter? Reporter { get; init; }

    /// <summary>Says whether the kernel tells of new threads.</summary>
    public Func<EventSource>? Events { get; init; }

    /// <summary>Looks around the VMs.</summary>
    public NeighbourLoop? Neighbours { get; init; }

    /// <summary>Says which other agents run here; asked where another program fights over a VM.</summary>
    public Func<string?>? OtherAgents { get; init; }

    /// <summary>What is to be said of them.</summary>
    internal IEnumerable<string> NoticesOf(NodePlan plan) =>
        plan.Vms.Any(vm => vm.Contested is not null) && OtherAgents?.Invoke() is { } others
            ? [others]
            : [];

    /// <summary>What is pinned between two passes; null where nobody tells of anything.</summary>
    public MeanwhilePins? Meanwhile { get; init; }

    /// <summary>Watches the threads of these VMs for others' changes; null where nobody tells.</summary>
    public Action<IEnumerable<ObservedVm>>? FollowForeign { get; init; }

    /// <summary>Says who has changed threads since it was last asked.</summary>
    public Func<IReadOnlyDictionary<int, ForeignDeed>>? ForeignDeeds { get; init; }

    /// <summary>Says which cgroups' cpusets were written since it was last asked; null where nobody listens.</summary>
    public Func<ImmutableHashSet<string>?>? CpusetsWritten { get; init; }
}
