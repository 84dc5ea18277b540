namespace PinAgent.Model.Vm;

/// <summary>
/// Why a VM is in its state: the closed list of codes that programs may rely on. The sentence for people,
/// with the numbers and names of the case, stands beside the code.
/// </summary>
public enum Reason
{
    /// <summary>The request contradicts itself or can't be read.</summary>
    InvalidInput,

    /// <summary>The cpuset names a CPU that the node's topology hasn't.</summary>
    UnknownCpu,

    /// <summary>The cpuset has fewer CPUs than the guest has vCPUs.</summary>
    NotEnoughCpus,

    /// <summary>With NUMA passthrough, a guest core would have to span two NUMA nodes.</summary>
    CrossesNumaNodes,

    /// <summary>No CPU is left for a supplemental I/O thread.</summary>
    NoCpuForIoThread,

    /// <summary>No CPU is left for the isolated emulator.</summary>
    NoCpuForEmulator,

    /// <summary>The VM's VMI doesn't ask for dedicated CPUs.</summary>
    DedicatedCpusNotRequested,

    /// <summary>The VM isn't among those named with <c>--vm</c>.</summary>
    NotNamed,

    /// <summary>The VM runs in no pod, and only VMIs ask for dedicated CPUs on a cluster's node.</summary>
    NotInPod,

    /// <summary>The VM's pod isn't one of KubeVirt's.</summary>
    NotKubeVirt,

    /// <summary>The VM's container isn't one of its pod's.</summary>
    ForeignContainer,

    /// <summary>The API server hasn't told, and nothing on the node proves, that the VM asks for dedicated CPUs.</summary>
    ApiUnanswered,

    /// <summary>An annotation <c>pinagent.dev/mode: off</c> on the VMI, its pod or its node.</summary>
    SwitchedOff,

    /// <summary>No cgroup of the VM has a cpuset of its own.</summary>
    NoCpusetOfItsOwn,

    /// <summary>The cpuset has fewer CPUs than the guest has vCPUs, so nobody can have meant it for pinning.</summary>
    CpusetTooSmall,

    /// <summary>The cpuset has a CPU that another VM's cpuset has too, or another pod's container of its own.</summary>
    CpusetOverlaps,

    /// <summary>The VM's pod doesn't request as many whole CPUs as the VM's threads need.</summary>
    PodLacksCpus,

    /// <summary>The cpuset is the node's shared pool.</summary>
    CpusetIsSharedPool,

    /// <summary>The kernel says no CPU is allowed.</summary>
    CpusetEmpty,

    /// <summary>The VM's cgroup, or its cpuset, couldn't be read.</summary>
    CpusetUnreadable,

    /// <summary>QEMU has no thread that can be told to be a vCPU.</summary>
    ThreadsUnnamed,

    /// <summary>Two threads claim to be the same vCPU.</summary>
    VcpuThreadsAmbiguous,

    /// <summary>One thread runs all vCPUs (QEMU's single-threaded TCG): nothing to pin one by one.</summary>
    VcpusShareOneThread,

    /// <summary>QEMU has only just started and not all of its vCPU threads exist yet.</summary>
    VcpuThreadsStarting,

    /// <summary>The process, or one of its vCPU threads, ended while it was looked at.</summary>
    ThreadGone,

    /// <summary>A file of this VM couldn't be read, or isn't what it should be.</summary>
    Unreadable,

    /// <summary>The agent only reports what it would do.</summary>
    AuditMode,

    /// <summary>The administrator has taken the VM back with <c>pinagent release</c>.</summary>
    Released,

    /// <summary>The agent lacks CAP_SYS_NICE over the VM's threads.</summary>
    PermissionMissing,

    /// <summary>The kernel refused to move a thread for another reason than a missing right.</summary>
    KernelRefused,

    /// <summary>The kernel kept fewer CPUs than were asked for.</summary>
    Narrowed,

    /// <summary>The thread's own cgroup doesn't have the CPU it should go on.</summary>
    Confined,

    /// <summary>The kernel refused the real-time priority that the VM asks for.</summary>
    RealtimeDenied,

    /// <summary>Another program undoes the agent's pins again and again, and what it sets is no placement.</summary>
    AnotherWriter,
}
