using System.Collections.Immutable;
using PinAgent.Model.Cpu;
using PinAgent.Model.Kubernetes;
using PinAgent.Model.Vm;
using PinAgent.Plan.Dedication;
using PinAgent.Plan.Placement;

namespace PinAgent.Plan;

/// <summary>What a VM's placement depends on, from its VMI where there is one, else inferred from the node.</summary>
internal sealed record VmShape
{
    /// <summary>Whether the VM is ours to pin, and how that is known.</summary>
    public required DedicationVerdict Verdict { get; init; }

    /// <summary>The VM as it was found.</summary>
    public ObservedVm Vm => Verdict.Vm;

    /// <summary>Which CPUs are its; null if that isn't known.</summary>
    public VmCpus? Cpus => Verdict.Cpus;

    /// <summary>All CPUs that its threads may have; null if that isn't known.</summary>
    public CpuSet? Cpuset => Cpus?.All;

    /// <summary>The vCPU threads in the order of their numbers.</summary>
    public required ImmutableArray<VmThread> Vcpus { get; init; }

    /// <summary>The I/O threads in the order of their numbers; those without one last.</summary>
    public required ImmutableArray<VmThread> IoThreads { get; init; }

    /// <summary>Whether each I/O thread has a CPU of its own.</summary>
    public bool IoThreadsAreSupplemental => Verdict.Vmi is { Spec.HasSupplementalIoThreads: true };

    /// <summary>The guest's topology by the vCPUs that exist; by the command line while none does.</summary>
    public required GuestTopology Guest { get; init; }

    /// <summary>Whether the emulator has CPUs to itself.</summary>
    public required bool IsolateEmulatorThread { get; init; }

    /// <summary>Whether that is only inferred from the number of its CPUs, for want of a VMI.</summary>
    public bool IsolationIsInferred => Verdict.Vmi?.Spec is null;

    /// <summary>Whether the emulator had CPUs to itself before, and none are left for it.</summary>
    public bool HasLostIsolation { get; init; }

    /// <summary>Whether it may have two.</summary>
    public required bool EvenParity { get; init; }

    /// <summary>Whether guest cores must stay within NUMA nodes.</summary>
    public bool NumaPassthrough => Verdict.Vmi is { Spec.NumaPassthrough: true };

    /// <summary>The vCPUs that are to have a real-time priority; null if none is.</summary>
    public RealtimeMask? Realtime { get; init; }

    /// <summary>Why none is though the VMI asks for it; null otherwise.</summary>
    public string? RealtimeProblem { get; init; }

    /// <summary>The numbers of the vCPUs that exist.</summary>
    public ImmutableArray<int> VcpuNumbers => [.. Vcpus.Select(vcpu => vcpu.Index ?? 0)];

    /// <summary>Where the threads are now.</summary>
    public CurrentPlacement Observed =>
        new(
            [.. Vcpus.Select(thread => thread.Affinity)],
            IoThreadsAreSupplemental ? [.. IoThreads.Select(thread => thread.Affinity)] : [],
            Vm.Emulator?.Affinity
        );

    /// <summary>The shape of a VM.</summary>
    public static VmShape Of(DedicationVerdict verdict)
    {
        var vm = verdict.Vm;
        ImmutableArray<VmThread> vcpus =
        [
            .. vm
                .Threads.Where(thread => thread.Role == ThreadRole.Vcpu)
                .OrderBy(thread => thread.Index),
        ];
        var count = vcpus.Length > 0 ? vcpus.Length : vm.Guest.BootVcpus;
        var (isolate, evenParity) =
            verdict.Vmi?.Spec is { } vmi
                ? (vmi.IsolateEmulatorThread, vmi.EmulatorThreadCompleteToEvenParity)
            : verdict.Cpus is { Emulator.IsEmpty: false } ? (true, false)
            : verdict.Dedicated ? InferEmulator((verdict.Cpus?.Cpus.Count ?? 0) - count, count)
            : (false, false);
        RealtimeMask? realtime = null;
        string? problem = null;
        if (verdict.Vmi?.Spec is { Realtime: true, RealtimeMask: var mask })
        {
            _ = RealtimeMask.TryParse(mask, out realtime, out problem);
        }

        return new VmShape
        {
            Verdict = verdict,
            Vcpus = vcpus,
            IoThreads =
            [
                .. vm
                    .Threads.Where(thread => thread.Role == ThreadRole.IoThread)
                    .OrderBy(thread => thread.Index ?? int.MaxValue)
                    .ThenBy(thread => thread.Tid),
            ],
            Guest = vm.Guest.Full.WithVcpus(count),
            IsolateEmulatorThread = isolate,
            EvenParity = evenParity,
            Realtime = realtime,
            RealtimeProblem = problem,
        };
    }

    /// <summary>The placement asked for.</summary>
    public PlacementRequest ToRequest(NodeTopology topology) =>
        new()
        {
            Topology = topology,
            Cpuset = Cpuset ?? CpuSet.Empty,
            Vcpus = Vcpus.Length,
            ThreadsPerCore = Vm.Guest.Full.Threads,
            IsolateEmulatorThread = IsolateEmulatorThread,
            EmulatorThreadCompleteToEvenParity = EvenParity,
            NumaPassthrough = NumaPassthrough,
            IoThreads = IoThreadsAreSupplemental ? 0 : IoThreads.Length,
            SupplementalIoThreads = IoThreadsAreSupplemental ? IoThreads.Length : 0,
            EmulatorCpuset = Cpus is { Emulator: { IsEmpty: false } given }
                ? given
                : Housekeeping(),
            VcpuCpusets = OwnCpusets(),
        };

    /// <summary>How many guest cores of several threads have these on siblings of one core of the host.</summary>
    public int WholeCores(CpuPlacement placement, NodeTopology topology) =>
        Vcpus
            .Zip(placement.Vcpus)
            .GroupBy(at => at.First.Index / Vm.Guest.Full.Threads, at => at.Second)
            .Count(core =>
                core.Count() > 1
                && CpuSet.Of(core).IsSubsetOf(CpuSet.Of(topology.SiblingsOf(core.First())))
            );

    // virt-handler gives the emulator one CPU, or two with even parity. Anything else says nothing about the emulator: the
    // group is a copy of the container's cpuset before its own is written, and falls back to it on cgroup v2 when that moves
    // away; or it's stale, or somebody else's.
    private CpuSet Housekeeping() =>
        Vm.Housekeeping is { IsEmpty: false } given
        && Cpuset is { } cpuset
        && given.Count <= (EvenParity || IsolationIsInferred ? 2 : 1)
        && given.IsSubsetOf(cpuset)
        && cpuset.Count - given.Count >= CpusOfTheirOwn
            ? given
            : CpuSet.Empty;

    // Where one of them may not go everywhere.
    private ImmutableArray<CpuSet> OwnCpusets() =>
        Cpus is { IsByThread: true, Cpus: var cpus }
        && Vcpus.Any(vcpu => vcpu.OwnCpuset is { } own && !cpus.IsSubsetOf(own))
            ? [.. Vcpus.Select(vcpu => vcpu.OwnCpuset ?? cpus)]
            : [];

    private int CpusOfTheirOwn => Vcpus.Length + (IoThreadsAreSupplemental ? IoThreads.Length : 0);

    // Without a VMI, the CPUs beyond the vCPUs tell: none, two beside an even number of vCPUs, or one.
    private static (bool Isolate, bool EvenParity) InferEmulator(int spare, int vcpus) =>
        (spare > 0, spare == 2 && vcpus % 2 == 0);
}
