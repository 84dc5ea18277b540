using System.Collections.Immutable;
using PinAgent.Model.Cpu;
using PinAgent.Model.Kubernetes;
using PinAgent.Model.Node;
using PinAgent.Model.Vm;
using PinAgent.NativeInterop;
using PinAgent.Observe.Cgroups;
using PinAgent.Observe.Files;
using PinAgent.Observe.Kubelet;
using PinAgent.Observe.Qemu;
using PinAgent.Observe.Topology;

namespace PinAgent.Observe;

/// <summary>The first stage: reads the node, once per pass.</summary>
/// <param name="kubeletRoot">The kubelet's root folder on that machine.</param>
/// <param name="cluster">What the API server has told by now; null outside a cluster.</param>
/// <param name="podResources">What the kubelet's PodResources API has told; null where it isn't asked.</param>
/// <param name="follow">
/// Told, after each look at VMs, of the cgroups they are in; null for nobody.
/// </param>
/// <param name="podCgroup">The cgroup of the kubelet's pods; null to find it.</param>
internal sealed class NodeObserver(
    HostFiles files,
    IAffinityReader affinity,
    string kubeletRoot,
    Func<ClusterFacts>? cluster = null,
    PodResourcesWatch? podResources = null,
    Action<IEnumerable<CpusetFolder>>? follow = null,
    string? podCgroup = null
) : IDisposable
{
    private const int InitPid = 1;
    private readonly QemuObserver _qemu = new(files, affinity);
    private readonly CpuManagerReader _cpuManager = new(files, kubeletRoot);
    private readonly KeptCpusets _cpusets = new(files);
    private CgroupHierarchy? _cgroups;
    private NodeTopology? _topology;
    private CpuSet? _initMask;

    /// <summary>Reads the node.</summary>
    /// <exception cref="InvalidDataException">
    /// Something without which nothing can be said can't be read: the online CPUs, the processes.
    /// </exception>
    public NodeSnapshot Observe()
    {
        string? cgroupProblem = null;
        _cgroups ??= CgroupHierarchy.TryOpen(
            files,
            out cgroupProblem,
            new(kubeletRoot, podCgroup),
            _cpusets
        );
        _cgroups?.Forget();
        var topology = ReadTopology();
        var vms = Follow(_qemu.Observe(_cgroups, cgroupProblem));
        return Complete(new NodeSnapshot(topology, vms, _cpuManager.Read()));
    }

    /// <summary>Looks at the processes of threads that have just named themselves.</summary>
    /// <param name="named">The threads; those of processes that are no VMs, or have ended, do no harm.</param>
    public NodeSnapshot ObserveNamed(NodeSnapshot before, IReadOnlyCollection<NamedThread> named) =>
        named.Count == 0
            ? before
            : before with
            {
                Vms = Follow(_qemu.ObserveNamed(before.Vms, named, _cgroups)),
                Cluster = cluster?.Invoke(),
            };

    /// <summary>
    /// Looks for what has changed: new processes; threads that came, went or have another mask; cpusets; CPUs offline; the
    /// kubelet's checkpoint. What a known thread is called and which cgroup it's in isn't read again.
    /// </summary>
    /// <param name="masksToo">
    /// Whether to read masks and priorities of known VMs' threads; where the kernel tells of them, once in a while is enough.
    /// </param>
    /// <returns>The very same snapshot where nothing has changed.</returns>
    /// <exception cref="InvalidDataException">As <see cref="Observe"/>.</exception>
    public NodeSnapshot ObserveChanges(NodeSnapshot before, bool masksToo = true)
    {
        if (_cgroups is null || !_qemu.TryFindChanged(before.Vms, out var changed, masksToo))
        {
            return Observe();
        }

        if (!_cgroups.IsUnchanged())
        {
            _cgroups.Forget();
            changed.UnionWith(before.Vms.Select(vm => vm.Key.Pid));
        }

        var topology = ReadTopology();
        var vms =
            changed.Count == 0
                ? before.Vms
                : Follow(_qemu.ObserveAgain(before.Vms, changed, _cgroups));
        var after = Complete(new NodeSnapshot(topology, vms, _cpuManager.ReadIfWritten()));
        return after.IsSameAs(before) ? before : after;
    }

    /// <summary>Closes what it holds open of the machine.</summary>
    public void Dispose()
    {
        _qemu.Dispose();
        _cpusets.Dispose();
    }

    private ImmutableArray<ObservedVm> Follow(ImmutableArray<ObservedVm> vms)
    {
        follow?.Invoke(_cgroups?.Cpusets ?? []);
        return vms;
    }

    private NodeSnapshot Complete(NodeSnapshot snapshot)
    {
        var told = podResources?.Look(snapshot.CpuManager.Checkpoint, snapshot.Vms);
        return snapshot with
        {
            VmsLeftOut = _qemu.LeftOut,
            InitMask = ReadInitMask(),
            CpuManager = _cpuManager.With(snapshot.CpuManager, told?.Evidence),
            PodResources = told?.Known,
            // Last, so that they are as new as the processes: a pod is in the API before its QEMU runs.
            Cluster = cluster?.Invoke(),
        };
    }

    // It changes when CPUs go offline or come back, if ever.
    private CpuSet? ReadInitMask()
    {
        if (cluster is null && !affinity.IsStill(InitPid, InitPid, _initMask))
        {
            _initMask = affinity.Read(InitPid, InitPid);
        }

        return _initMask;
    }

    // The topology changes only when CPUs go offline or come back.
    private NodeTopology ReadTopology()
    {
        if (
            _topology is null
            || !files.ReadOnePiece($"{SysfsTopology.OnlinePath}", out var content).IsSuccess
            || !CpuSet.TryParse(content, out var online, out _)
            || !online.Equals(_topology.Online)
        )
        {
            _topology = SysfsTopology.Read(files);
        }

        return _topology;
    }
}
