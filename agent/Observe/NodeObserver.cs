using PinAgent.Model;
using PinAgent.Observe.Kubelet;

namespace PinAgent.Observe;

/// <summary>The first stage: reads the node, once per pass.</summary>
/// <param name="files">The machine's files.</param>
/// <param name="affinity">Reads the threads' masks.</param>
/// <param name="kubeletRoot">The kubelet's root folder on that machine.</param>
/// <param name="cluster">What the API server has told by now; null outside a cluster.</param>
/// <param name="podResources">What the kubelet's PodResources API has told; null where it isn't asked.</param>
public sealed class NodeObserver(
    HostFiles files,
    IAffinityReader affinity,
    string kubeletRoot,
    Func<ClusterFacts>? cluster = null,
    PodResourcesWatch? podResources = null
)
{
    private readonly QemuObserver _qemu = new(files, affinity);
    private CgroupHierarchy? _cgroups;
    private NodeTopology? _topology;
    private CpuManagerState? _state;
    private IReadOnlyList<string> _kubelet = [];

    /// <summary>Reads the node.</summary>
    /// <exception cref="InvalidDataException">
    /// Something without which nothing can be said can't be read: the online CPUs, the processes.
    /// </exception>
    public NodeSnapshot Observe()
    {
        string? cgroupProblem = null;
        _cgroups ??= CgroupHierarchy.TryOpen(files, out cgroupProblem);
        _cgroups?.BeginPass();
        var topology = ReadTopology();
        var vms = _qemu.Observe(_cgroups, cgroupProblem);
        var cpuManager = ReadCpuManager();
        var told = podResources?.Look(cpuManager.Checkpoint, vms);
        return new NodeSnapshot(
            topology,
            vms,
            told?.Evidence is { } evidence
                ? cpuManager with
                {
                    Evidence = [.. cpuManager.Evidence, evidence],
                }
                : cpuManager
        )
        {
            PodResources = told?.Known,
            // Last, so that they are as new as the processes: a pod is in the API before its QEMU runs.
            Cluster = cluster?.Invoke(),
        };
    }

    /// <summary>Reads some of the node's VMs again.</summary>
    /// <param name="before">The node as it was.</param>
    /// <param name="pids">The processes to look at.</param>
    public NodeSnapshot ObserveAgain(NodeSnapshot before, IReadOnlySet<int> pids)
    {
        _cgroups?.BeginPass();
        return before with
        {
            Vms = _qemu.ObserveAgain(before.Vms, pids, _cgroups),
            Cluster = cluster?.Invoke(),
        };
    }

    // Whether a kubelet runs decides nothing, so it isn't looked for every second.
    private CpuManagerObservation ReadCpuManager()
    {
        var seen = CpuManagerObserver.Observe(files, kubeletRoot);
        if (seen.State != _state)
        {
            (_state, _kubelet) = (seen.State, KubeletProcess.Evidence(files, seen));
        }

        return seen with
        {
            Evidence = [.. seen.Evidence, .. _kubelet],
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
