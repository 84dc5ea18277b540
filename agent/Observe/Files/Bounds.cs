using PinAgent.NativeInterop.Files;

namespace PinAgent.Observe.Files;

/// <summary>
/// How much is read of what tenants write: files and folders of <c>/proc</c> and of cgroups. Each bound is far beyond what a
/// real VM has, and is the same for everybody: who exceeds it costs no more than one who just reaches it.
/// </summary>
internal static class Bounds
{
    /// <summary>
    /// Of any file, in bytes, unless said otherwise. The longest that a tenant can write is <c>status</c>: 65,536 groups of up to
    /// ten digits.
    /// </summary>
    public const int File = 1024 * 1024;

    /// <summary>Of files that only grow with the machine, such as <c>/proc/interrupts</c>.</summary>
    public const int MachineFile = 16 * 1024 * 1024;

    /// <summary>Of a mount table, from its beginning: cgroups are mounted before containers are.</summary>
    public const int MountTable = 4 * 1024 * 1024;

    /// <summary>Of a command line, to tell whether the program may be a QEMU: its options begin the line.</summary>
    public const int Introduction = 4096;

    /// <summary>Of a QEMU's command line; libvirt's have about ten kilobytes.</summary>
    public const int CommandLine = 64 * 1024;

    /// <summary>Of a guest's name, in bytes. A namespace and a name of Kubernetes have 317.</summary>
    public const int GuestName = 1024;

    /// <summary>Of a path, in bytes: the kernel's own limit (PATH_MAX of linux/limits.h).</summary>
    public const int Path = 4095;

    /// <summary>Of a file of QEMU's <c>-readconfig</c>; Incus's have about five kilobytes.</summary>
    public const int ConfigFile = 64 * 1024;

    /// <summary>Files of <c>-readconfig</c> that are read of one VM.</summary>
    public const int ConfigFiles = 4;

    /// <summary>Processes: the kernel's own limit (PID_MAX_LIMIT of linux/threads.h).</summary>
    public const int Processes = 4 * 1024 * 1024;

    /// <summary>Names in a folder.</summary>
    public const int Names = 64 * 1024;

    /// <summary>Processes that are taken for VMs on one node. A kubelet has at most a few hundred pods.</summary>
    public const int Vms = 512;

    /// <summary>Threads of all VMs of a node that are kept one by one.</summary>
    public const int NodeThreads = 10_000;

    /// <summary>vCPUs that a VM's bounds allow for: KVM's own limit (KVM_MAX_VCPUS of asm/kvm_host.h).</summary>
    public const int Vcpus = 4096;

    /// <summary>I/O threads of a VM that are kept.</summary>
    public const int IoThreads = 512;

    /// <summary>Other threads of a VM that are kept: workers, vhost, migration.</summary>
    public const int OtherThreads = 512;

    /// <summary>Threads that are kept, to be shown, of a VM that isn't understood and so can't be pinned.</summary>
    public const int UnclearThreads = 64;

    /// <summary>Threads of a VM that are looked at for names of vCPUs and I/O threads, the oldest first; more if it has as many vCPUs.</summary>
    public const int ScannedThreads = 4096;

    /// <summary>Threads of a process outside the VMs of which the masks are asked for.</summary>
    public const int ForeignThreads = 4096;

    /// <summary>Different masks of such a process that are told apart.</summary>
    public const int ForeignMasks = 16;

    /// <summary>Such processes that are told of, those with the most CPU time.</summary>
    public const int ForeignProcesses = 1024;

    /// <summary>Open files of a VM that are looked at, beyond one for each vCPU. vCPUs are opened early.</summary>
    public const int Descriptors = 1024;

    /// <summary>Open files that are looked at to tell whether a process has a VM of KVM's: QEMU opens that at once.</summary>
    public const int FirstDescriptors = 128;

    /// <summary>
    /// Cpusets that are held open to be read each second, and as many folders of threads: an eighth of the descriptors that the process may
    /// have, if that is less.
    /// </summary>
    public static readonly int KeptFiles = (int)Math.Min(256, KeptFile.MostDescriptors / 8);

    /// <summary>Cgroups of threads, other than their VMs', whose CPUs are read.</summary>
    public const int ThreadCgroups = 4096;

    /// <summary>Cgroups that are searched for the agent's own.</summary>
    public const int SearchedCgroups = 16 * 1024;

    /// <summary>New processes that are looked at in one look for changes; the others' turn is in the next.</summary>
    public const int YoungAtOnce = 1024;

    /// <summary>VMs that lack something which are looked at in one look for changes; the others' turn is in the next.</summary>
    public const int TroubledAtOnce = 64;

    /// <summary>A process with no more threads is read each time it's told of: a VM of 512 vCPUs with all that goes with them.</summary>
    public const int ThreadsReadAtOnce = 1024;

    /// <summary>A process with no more threads is read whenever they change: a VM of sixty vCPUs with all that goes with them.</summary>
    public const int ThreadsReadAtAnyTime = 128;

    /// <summary>Threads of VMs with more, of all together, that are read in a second because they change again and again.</summary>
    public const int ChangedThreadsPerSecond = 1024;

    /// <summary>Threads of VMs that lack something or have more than that, of all together, that are read in a burst: a dozen VMs that start at once.</summary>
    public const int TroubledThreads = 4096;

    /// <summary>The same in a second, for as long as it lasts; reading one takes some ten microseconds.</summary>
    public const int TroubledThreadsPerSecond = 512;
}
