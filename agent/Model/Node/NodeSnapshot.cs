using System.Collections.Immutable;
using PinAgent.Model.Cpu;
using PinAgent.Model.Kubernetes;
using PinAgent.Model.Vm;

namespace PinAgent.Model.Node;

/// <summary>What was found on the node in one pass.</summary>
/// <param name="Vms">The QEMU processes, in ascending order of their ids.</param>
internal sealed record NodeSnapshot(
    NodeTopology Topology,
    ImmutableArray<ObservedVm> Vms,
    CpuManagerObservation CpuManager
)
{
    /// <summary>What the API server has told; null outside a cluster.</summary>
    public ClusterFacts? Cluster { get; init; }

    /// <summary>What the kubelet's PodResources API has told; null where that isn't known.</summary>
    public PodResources? PodResources { get; init; }

    /// <summary>The CPUs that PID 1 may use, and with it every process unless somebody says otherwise; null if unknown.</summary>
    public CpuSet? InitMask { get; init; }

    /// <summary>The CPUs that every process may use unless somebody says otherwise.</summary>
    internal CpuSet EverybodysCpus => InitMask ?? Topology.Online;

    /// <summary>How many processes look like a QEMU beyond those that are looked at.</summary>
    public int VmsLeftOut { get; init; }

    /// <summary>Whether nothing of it is new: all of it is the very same data.</summary>
    internal bool IsSameAs(NodeSnapshot other) =>
        ReferenceEquals(Topology, other.Topology)
        && Vms == other.Vms
        && VmsLeftOut == other.VmsLeftOut
        && Equals(InitMask, other.InitMask)
        && ReferenceEquals(CpuManager, other.CpuManager)
        && ReferenceEquals(PodResources, other.PodResources)
        && ReferenceEquals(Cluster, other.Cluster);
}
