using System.Collections.Immutable;
using PinAgent.Model.Cpu;
using PinAgent.Model.Vm;

namespace PinAgent.Plan.Placement;

/// <summary>Everything that decides where one VM's threads go.</summary>
internal sealed record PlacementRequest
{
    /// <summary>The most vCPUs, or I/O threads, a request may have.</summary>
    public const int MaxThreads = GuestTopology.MaxVcpus;

    /// <summary>The node's CPUs.</summary>
    public required NodeTopology Topology { get; init; }

    /// <summary>The CPUs the VM's container may run on.</summary>
    public required CpuSet Cpuset { get; init; }

    /// <summary>How many vCPUs there are now.</summary>
    public required int Vcpus { get; init; }

    /// <summary>The guest's threads per core, at least 1. The last guest core may be incomplete after a hotplug.</summary>
    public int ThreadsPerCore { get; init; } = 1;

    /// <summary>Whether QEMU's own threads get a CPU to themselves.</summary>
    public bool IsolateEmulatorThread { get; init; }

    /// <summary>Whether an isolated emulator gets a second CPU when the others are even in number.</summary>
    public bool EmulatorThreadCompleteToEvenParity { get; init; }

    /// <summary>Whether the guest sees the node's NUMA nodes, so that no guest core may span two.</summary>
    public bool NumaPassthrough { get; init; }

    /// <summary>How many I/O threads share CPUs with vCPUs or the emulator.</summary>
    public int IoThreads { get; init; }

    /// <summary>How many I/O threads get a CPU each.</summary>
    public int SupplementalIoThreads { get; init; }

    /// <summary>
    /// CPUs that somebody else's <c>housekeeping</c> cgroup has given to the emulator; empty when there is none.
    /// </summary>
    public CpuSet EmulatorCpuset { get; init; } = CpuSet.Empty;

    /// <summary>
    /// The CPUs that each vCPU may run on, where its own cgroup says so; empty where all of <see cref="Cpuset"/> is every
    /// vCPU's.
    /// </summary>
    public ImmutableArray<CpuSet> VcpuCpusets { get; init; } = [];

    /// <summary>Where the threads are now, to move as few as possible; null to place from scratch.</summary>
    public CurrentPlacement? Current { get; init; }

    /// <summary>How many CPUs are the emulator's alone: 0, 1 or 2, or as many as it has been given.</summary>
    public int EmulatorCpus =>
        EmulatorCpuset.IsEmpty
            ? IsolatedEmulatorCpus(
                IsolateEmulatorThread,
                EmulatorThreadCompleteToEvenParity,
                Vcpus + SupplementalIoThreads
            )
            : EmulatorCpuset.Count;

    /// <summary>How many CPUs the VM needs to itself.</summary>
    public int NeededCpus => Vcpus + SupplementalIoThreads + EmulatorCpus;

    /// <summary>How many CPUs the emulator gets to itself: 0, 1 or 2.</summary>
    /// <param name="isIsolated">Whether it gets any.</param>
    /// <param name="completesEvenParity">Whether it gets two where the others are even in number.</param>
    /// <param name="otherCpus">The CPUs of the vCPUs and the supplemental I/O threads.</param>
    public static int IsolatedEmulatorCpus(
        bool isIsolated,
        bool completesEvenParity,
        long otherCpus
    ) =>
        (isIsolated, completesEvenParity && otherCpus % 2 == 0) switch
        {
            (false, _) => 0,
            (true, false) => 1,
            (true, true) => 2,
        };
}

/// <summary>The masks that a VM's threads have now; null for a thread that is nowhere in particular.</summary>
/// <param name="SupplementalIoThreads">By supplemental I/O thread.</param>
internal sealed record CurrentPlacement(
    ImmutableArray<CpuSet?> Vcpus,
    ImmutableArray<CpuSet?> SupplementalIoThreads,
    CpuSet? Emulator
);
