using PinAgent.Model;
using PinAgent.Observe.Kubelet;

namespace PinAgent.Observe;

/// <summary>The first stage: reads the node, once per pass.</summary>
/// <param name="files">The machine's files.</param>
/// <param name="affinity">Reads the threads' masks.</param>
/// <param name="kubeletRoot">The kubelet's root folder on that machine.</param>
/// <param name="cluster">What the API server has told by now; null outside a cluster.</param>
public sealed class NodeObserver(
    HostFiles files,
    IAffinityReader affinity,
    string kubeletRoot,
    Func<ClusterFacts>? cluster = null
)
{
    private readonly QemuObserver _qemu = new(files, affinity);
    private CgroupHierarchy? _cgroups;
    private NodeTopology? _topology;

    /// <summary>Reads the node.</summary>
    /// <exception cref="InvalidDataException">
    /// Something without which nothing can be said can't be read: the online CPUs, the processes.
    /// </exception>
    public NodeSnapshot Observe()
    {
        string? cgroupProblem = null;
        _cgroups ??= CgroupHierarchy.TryOpen(files, out cgroupProblem);
        _cgroups?.BeginPass();
        return new NodeSnapshot(
            ReadTopology(),
            _qemu.Observe(_cgroups, cgroupProblem),
            CpuManagerObserver.Observe(files, kubeletRoot)
        )
        {
            // Last, so that they are as new as the processes: a pod is in the API before its QEMU runs.
            Cluster = cluster?.Invoke(),
        };
    }

    // The topology changes only when CPUs go offline or come back.
    private NodeTopology ReadTopology()
    {
        if (
            _topology is null
            || !files.Read($"{SysfsTopology.OnlinePath}", out var content).IsSuccess
            || !CpuSet.TryParse(content, out var online, out _)
            || !online.Equals(_topology.Online)
        )
        {
            _topology = SysfsTopology.Read(files);
        }

        return _topology;
    }
}
