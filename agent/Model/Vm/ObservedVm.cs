using System.Collections.Immutable;
using PinAgent.Model.Cpu;
using PinAgent.Model.Node;

namespace PinAgent.Model.Vm;

/// <summary>A QEMU process, named for good by its id and the time it started.</summary>
internal readonly record struct VmKey(int Pid, ulong StartTime);

/// <summary>One QEMU process as it was found.</summary>
internal sealed record ObservedVm
{
    /// <summary>The process.</summary>
    public required VmKey Key { get; init; }

    /// <summary>Whether it's root's process. False where that couldn't be read.</summary>
    public bool IsOfRoot { get; init; }

    /// <summary>The guest's name from QEMU's <c>-name</c>; null if it has none.</summary>
    public string? GuestName { get; init; }

    /// <summary>What QEMU's command line says of the guest's CPUs.</summary>
    public required GuestCpus Guest { get; init; }

    /// <summary>The VM's cgroup; null if it couldn't be read.</summary>
    public CgroupLocation? Cgroup { get; init; }

    /// <summary>The CPUs the VM's container may run on; null if that couldn't be read.</summary>
    public CpuSet? Cpuset { get; init; }

    /// <summary>The file that says so; null if none could be read.</summary>
    public string? CpusetFile { get; init; }

    /// <summary>
    /// The nearest cpuset somebody gave to the VM's cgroup or one above it; null when the CPUs are inherited from
    /// the root.
    /// </summary>
    public CpuSet? GivenCpuset { get; init; }

    /// <summary>Whether that was given to a cgroup above the VM's own, a slice say, in which others may be.</summary>
    public bool IsGivenAbove { get; init; }

    /// <summary>The CPUs of the VM's <c>housekeeping</c> cgroup; null if it has none.</summary>
    public CpuSet? Housekeeping { get; init; }

    /// <summary>The threads, in ascending order of their ids, the kernel's own for this VM last.</summary>
    public ImmutableArray<VmThread> Threads { get; init; } = [];

    /// <summary>How many threads its process has beyond those: more than a VM has, so they are counted and not looked at.</summary>
    public long ThreadsLeftOut { get; init; }

    /// <summary>Whether its command line is longer than what is read of it.</summary>
    public bool CommandLineIsCut { get; init; }

    /// <summary>What an administrator should know of how the guest's CPUs were read; null for nothing.</summary>
    public string? GuestNote { get; init; }

    /// <summary>The same of its I/O threads.</summary>
    public string? IoThreadNote { get; init; }

    /// <summary>How many I/O threads QEMU was started with.</summary>
    public int ExpectedIoThreads { get; init; }

    /// <summary>Whether it has vCPU threads: a QEMU that has none, or none yet, runs no guest.</summary>
    public bool HasVcpus => Threads.Any(thread => thread.Role == ThreadRole.Vcpu);

    /// <summary>QEMU's first thread; null if it isn't there any more.</summary>
    public VmThread? Emulator =>
        Threads.FirstOrDefault(thread => thread.Role == ThreadRole.Emulator);

    /// <summary>Whether it's in a pod: then its container's cpuset is the kubelet's word.</summary>
    public bool IsInPod => Cgroup?.PodUid is not null;

    /// <summary>What keeps the VM from being understood; null if nothing does.</summary>
    public Standing? Problem { get; init; }

    /// <summary>Whether it was found as the other was.</summary>
    internal bool IsSameAs(ObservedVm other) =>
        this with { Threads = [] } == other with { Threads = [] }
        && Threads.SequenceEqual(other.Threads);
}

/// <summary>The guest's CPUs according to QEMU's command line.</summary>
/// <param name="Full">The topology with every CPU that hotplug can enable.</param>
/// <param name="BootVcpus">How many CPUs are enabled at the start.</param>
internal sealed record GuestCpus(GuestTopology Full, int BootVcpus)
{
    /// <summary>How many NUMA nodes the guest sees; 0 where QEMU was told of none, which is one.</summary>
    public int NumaNodes { get; init; }

    /// <summary>A guest of one CPU: QEMU's default.</summary>
    public static GuestCpus One { get; } = new(new GuestTopology(1, 1, 1), 1);

    /// <summary>A guest of which only its vCPUs are known: none of them is another's sibling.</summary>
    public static GuestCpus OfUnknown(int vcpus) =>
        new(new GuestTopology(1, Math.Max(vcpus, 1), 1), Math.Max(vcpus, 1));
}
