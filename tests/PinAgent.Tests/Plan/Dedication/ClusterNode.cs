using System.Collections.Immutable;
using PinAgent.Model.Cpu;
using PinAgent.Model.Kubernetes;
using PinAgent.Model.Node;
using PinAgent.Model.Vm;
using PinAgent.Plan;
using PinAgent.Plan.Dedication;
using PinAgent.Plan.Rivals;

namespace PinAgent.Tests.Plan.Dedication;

/// <summary>A cluster's node of 16 CPUs as the agent knows it, pass after pass.</summary>
internal sealed class ClusterNode
{
    public const string Name = "node1";

    private readonly List<ObservedVm> _vms = [];
    private PlanMemory _memory = PlanMemory.None;

    /// <summary>What the API server has told.</summary>
    public ClusterFacts Facts { get; set; } =
        new() { Node = Name, Sync = new(SyncState.Synced, null) };

    /// <summary>The kubelet's CPU manager.</summary>
    public CpuManagerObservation CpuManager { get; set; } = new(CpuManagerState.Unknown, null, []);

    /// <summary>What the kubelet's PodResources API has told.</summary>
    public PodResources? PodResources { get; set; }

    /// <summary>What has been decided by now.</summary>
    /// <summary>Since when VMs' CPUs are also others'.</summary>
    public Overlaps Overlaps => _memory.Overlaps;

    public Decisions Decisions
    {
        get => _memory.Decisions;
        init => _memory = PlanMemory.None with { Decisions = value };
    }

    /// <summary>The plan of the last pass.</summary>
    public NodePlan Last { get; private set; } = null!;

    /// <summary>A launcher pod of a VMI, Guaranteed; its container is called like it.</summary>
    public static PodFacts Launcher(string pod, string? vmi, string cpus = "2") =>
        new(pod, "default", $"virt-launcher-{pod}")
        {
            IsLauncher = true,
            VmiUid = vmi is null ? null : $"uid-{vmi}",
            VmiName = vmi,
            Containers = new([
                new PodContainer("compute")
                {
                    Id = $"{pod}-c1",
                    CpuRequest = Quantity.Parse(cpus),
                    CpuLimit = Quantity.Parse(cpus),
                    MemoryRequest = Quantity.Parse("1Gi"),
                    MemoryLimit = Quantity.Parse("1Gi"),
                },
            ]),
        };

    /// <summary>A dedicated VMI of two vCPUs.</summary>
    public static VmiFacts Vmi(string name, bool isDedicated = true) =>
        new("default", name)
        {
            Uid = $"uid-{name}",
            Spec = new VmiSpec
            {
                IsStored = true,
                DedicatedCpuPlacement = isDedicated,
                Sockets = 2,
                GuestMemory = Quantity.Parse("1Gi"),
            },
            NodeName = Name,
        };

    /// <summary>A QEMU of two vCPUs in a pod's container.</summary>
    public ClusterNode Run(
        int pid,
        string? pod,
        string cpuset = "2-3",
        string? container = null,
        string[]? masks = null
    )
    {
        masks ??= [cpuset, cpuset];
        _vms.RemoveAll(vm => vm.Key.Pid == pid);
        _vms.Add(
            new ObservedVm
            {
                Key = new(pid, 1000),
                GuestName = "default_vm1",
                Guest = new(new GuestTopology(1, 2, 1), 2),
                Cgroup = new(
                    $"/kubepods/{pid}",
                    pod,
                    pod is null ? null : container ?? $"{pod}-c1"
                ),
                Cpuset = CpuSet.Parse(cpuset),
                GivenCpuset = CpuSet.Parse(cpuset),
                Threads =
                [
                    Thread(pid, ThreadRole.Emulator, null, cpuset),
                    .. masks.Select((mask, i) => Thread(pid + 1 + i, ThreadRole.Vcpu, i, mask)),
                ],
            }
        );
        return this;
    }

    /// <summary>A QEMU that has ended.</summary>
    public ClusterNode End(int pid)
    {
        _vms.RemoveAll(vm => vm.Key.Pid == pid);
        return this;
    }

    /// <summary>The API server tells of these.</summary>
    public ClusterNode Tell(IEnumerable<PodFacts> pods, params IEnumerable<VmiFacts> vmis)
    {
        Facts = Facts with
        {
            Pods = pods.ToImmutableDictionary(pod => pod.Uid),
            Vmis = vmis.ToImmutableDictionary(vmi => vmi.Uid!),
        };
        return this;
    }

    /// <summary>The API server has never answered since the agent started.</summary>
    public ClusterNode WithoutApi()
    {
        Facts = new()
        {
            Node = Name,
            Sync = new(SyncState.NeverSynced, DateTimeOffset.UnixEpoch),
            VmiProblem = "Connection refused",
        };
        return this;
    }

    /// <summary>A pass; its plan for one VM.</summary>
    public VmPlan Pass(int pid = 100, TimeSpan now = default)
    {
        var snapshot = new NodeSnapshot(
            new NodeTopology(Enumerable.Range(0, 16).Select(i => new LogicalCpu(i, 0, 0, i))),
            [.. _vms],
            CpuManager
        )
        {
            PodResources = PodResources,
            Cluster = Facts,
        };
        (Last, _memory) = NodePlanner.Plan(snapshot, PlanSettings.Default, _memory, now);
        return Last.Vms.Single(vm => vm.Vm.Key.Pid == pid);
    }

    private static VmThread Thread(int tid, ThreadRole role, int? index, string mask) =>
        new()
        {
            Tid = tid,
            StartTime = 1000,
            Comm = role == ThreadRole.Vcpu ? $"CPU {index}/KVM" : "qemu-kvm",
            Role = role,
            Index = index,
            Affinity = CpuSet.Parse(mask),
        };
}
