using System.Collections.Immutable;
using PinAgent.Model.Cpu;
using PinAgent.Model.Node;
using PinAgent.Model.Vm;
using PinAgent.Plan;
using PinAgent.Plan.Ownership;

namespace PinAgent.Tests.Plan;

/// <summary>Observed VMs by hand: a QEMU with a cgroup of its own on a plain host, unless said otherwise.</summary>
internal static class Vms
{
    public const int FirstPid = 1000;

    /// <summary>
    /// A VM whose threads are wherever its cpuset lets them be: the main thread (tid = pid), a helper (pid + 1), the
    /// vCPUs (pid + 10 + n).
    /// </summary>
    public static ObservedVm Vm(
        string? name,
        string? cpuset,
        GuestTopology guest,
        int pid = FirstPid,
        int? boot = null
    )
    {
        var cpus = cpuset is null ? null : CpuSet.Parse(cpuset);
        var vcpus = boot ?? guest.Vcpus;
        return new ObservedVm
        {
            Key = new VmKey(pid, (ulong)pid * 100),
            GuestName = name,
            Guest = new GuestCpus(guest, vcpus),
            Cgroup = new CgroupLocation($"/machine.slice/{pid}.scope", null, null),
            Cpuset = cpus,
            GivenCpuset = cpus,
            Threads =
            [
                Thread(pid, ThreadRole.Emulator, null, cpus),
                Thread(pid + 1, ThreadRole.Helper, null, cpus),
                .. Enumerable
                    .Range(0, vcpus)
                    .Select(n => Thread(pid + 10 + n, ThreadRole.Vcpu, n, cpus)),
            ],
        };
    }

    public static VmThread Thread(int tid, ThreadRole role, int? index, CpuSet? affinity) =>
        new()
        {
            Tid = tid,
            StartTime = (ulong)tid * 100,
            Role = role,
            Index = index,
            Affinity = affinity,
            Comm = role switch
            {
                ThreadRole.Vcpu => $"CPU {index}/KVM",
                ThreadRole.IoThread => $"IO iothread{index}",
                ThreadRole.Emulator => "qemu-system-x86",
                ThreadRole.KvmPit => "kvm-pit",
                _ => "worker",
            },
        };

    /// <summary>The same VM in a pod.</summary>
    public static ObservedVm InPod(this ObservedVm vm, string podUid) =>
        vm with
        {
            Cgroup = new CgroupLocation($"/kubepods/pod{podUid}/c1", podUid, "c1"),
        };

    /// <summary>The same VM with another cpuset; the kernel narrows or widens no mask here.</summary>
    public static ObservedVm On(this ObservedVm vm, string cpuset) =>
        vm with
        {
            Cpuset = CpuSet.Parse(cpuset),
            GivenCpuset = CpuSet.Parse(cpuset),
        };

    /// <summary>The same VM with more threads.</summary>
    public static ObservedVm With(this ObservedVm vm, params VmThread[] threads) =>
        vm with
        {
            Threads = vm.Threads.AddRange(threads),
        };

    /// <summary>The same VM without one vCPU.</summary>
    public static ObservedVm Without(this ObservedVm vm, int vcpu) =>
        vm with
        {
            Threads = vm.Threads.RemoveAll(t => t.Role == ThreadRole.Vcpu && t.Index == vcpu),
        };

    /// <summary>The same VM with its vCPUs on these CPUs, in the order of their numbers.</summary>
    public static ObservedVm Running(this ObservedVm vm, string vcpus, string? emulator = null)
    {
        var masks = vcpus.Split(' ').Select(CpuSet.Parse).ToArray();
        var next = 0;
        return vm with
        {
            Threads =
            [
                .. vm.Threads.Select(thread =>
                    thread.Role == ThreadRole.Vcpu ? thread with { Affinity = masks[next++] }
                    : emulator is null ? thread
                    : thread with { Affinity = CpuSet.Parse(emulator) }
                ),
            ],
        };
    }

    /// <summary>The same VM without a cpuset of its own.</summary>
    public static ObservedVm Unconfined(this ObservedVm vm) => vm with { GivenCpuset = null };

    /// <summary>The same VM with every thread on these CPUs, as <c>taskset --all-tasks</c> leaves it.</summary>
    public static ObservedVm Masked(this ObservedVm vm, string cpus) =>
        vm with
        {
            Threads =
            [
                .. vm.Threads.Select(thread => thread with { Affinity = CpuSet.Parse(cpus) }),
            ],
        };

    /// <summary>
    /// The same VM with cgroups of libvirt's for its threads, whose masks the kernel has narrowed to them. Written as libvirt
    /// 9.0 did it (spec/reality.md): one set for each vCPU, in the order of their numbers, and the emulator's.
    /// </summary>
    public static ObservedVm InLibvirt(this ObservedVm vm, string vcpus, string? emulator = null)
    {
        var sets = vcpus.Split(' ').Select(CpuSet.Parse).ToArray();
        return vm with
        {
            Threads =
            [
                .. vm.Threads.Select(thread =>
                {
                    var own =
                        thread.Role == ThreadRole.Vcpu
                            ? sets[Math.Min(thread.Index ?? 0, sets.Length - 1)]
                        : emulator is null ? null
                        : CpuSet.Parse(emulator);
                    return own is null ? thread : thread with { OwnCpuset = own, Affinity = own };
                }),
            ],
        };
    }

    /// <summary>The same VM with every thread where the plan wants it.</summary>
    public static ObservedVm After(this ObservedVm vm, VmPlan plan) =>
        vm with
        {
            Threads =
            [
                .. plan.Threads.Select(planned =>
                    planned.Thread with
                    {
                        Affinity = planned.Wanted ?? planned.Thread.Affinity,
                    }
                ),
            ],
        };
}

/// <summary>A node and what's known of it, planned pass by pass.</summary>
internal sealed class Node(string topology = "(0,8)(1,9)(2,10)(3,11)(4,12)(5,13)(6,14)(7,15)")
{
    private PlanMemory _memory = PlanMemory.None;

    public PlanSettings Settings { get; init; } = PlanSettings.Default;

    /// <summary>The kubelet's shared pool; null where no CPU manager gives out exclusive CPUs.</summary>
    public string? SharedPool { get; init; }

    /// <summary>What was kept before the agent's restart.</summary>
    public CpuClaims Known
    {
        get => _memory.Cpus;
        init => _memory = _memory with { Cpus = value };
    }

    /// <summary>PID 1's mask; null for all CPUs.</summary>
    public string? InitMask { get; init; }

    /// <summary>The CPUs that <c>isolcpus</c> names.</summary>
    public string Isolated { get; init; } = "";

    /// <summary>What the last pass had to say beside the VMs.</summary>
    public ImmutableArray<string> Notices { get; private set; } = [];

    public NodeTopology Topology =>
        field ??= new NodeTopology(Nodes.Parse(topology).Cpus, isolated: CpuSet.Parse(Isolated));

    /// <summary>One pass.</summary>
    public ImmutableArray<VmPlan> Pass(params ObservedVm[] vms) => PassAt(TimeSpan.Zero, vms);

    /// <summary>One pass, so long after the machine's boot.</summary>
    public ImmutableArray<VmPlan> PassAt(TimeSpan now, params ObservedVm[] vms)
    {
        var checkpoint = SharedPool is null
            ? null
            : new CpuManagerCheckpoint("static", CpuSet.Parse(SharedPool), []);
        var snapshot = new NodeSnapshot(
            Topology,
            [.. vms],
            new CpuManagerObservation(
                checkpoint is null ? CpuManagerState.None : CpuManagerState.Static,
                checkpoint,
                []
            )
        )
        {
            InitMask = InitMask is null ? null : CpuSet.Parse(InitMask),
        };
        (var plan, _memory) = NodePlanner.Plan(snapshot, Settings, _memory, now);
        Notices = plan.Notices;
        return plan.Vms;
    }

    /// <summary>One pass over one VM.</summary>
    public VmPlan PassOne(ObservedVm vm) => Pass(vm)[0];
}

/// <summary>Plans as text.</summary>
internal static class VmPlanText
{
    /// <summary>Where the vCPUs belong: <c>0 8 1 9</c>.</summary>
    public static string Vcpus(this VmPlan plan) => plan.Wanted(ThreadRole.Vcpu);

    /// <summary>Where the emulator belongs.</summary>
    public static string Emulator(this VmPlan plan) => plan.Wanted(ThreadRole.Emulator);

    /// <summary>Where threads of a role belong, <c>-</c> for nowhere in particular.</summary>
    public static string Wanted(this VmPlan plan, ThreadRole role) =>
        string.Join(
            ' ',
            plan.Threads.Where(t => t.Thread.Role == role).Select(t => t.Wanted?.ToString() ?? "-")
        );

    /// <summary>How the VM stands: <c>placed</c>, or the state and the reason.</summary>
    public static string Standing(this VmPlan plan) =>
        plan.Obstacle is { } obstacle ? $"{obstacle.State} {obstacle.Reason}" : "placed";
}
