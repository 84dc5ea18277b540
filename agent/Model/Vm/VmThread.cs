using System.Text.Json.Serialization;
using PinAgent.Model.Cpu;
using PinAgent.Model.Text;

namespace PinAgent.Model.Vm;

/// <summary>What a thread of a VM does.</summary>
internal enum ThreadRole
{
    /// <summary>Runs one vCPU of the guest.</summary>
    [JsonStringEnumMemberName("vcpu")]
    Vcpu,

    /// <summary>QEMU's main loop: the process's first thread.</summary>
    [JsonStringEnumMemberName("emulator")]
    Emulator,

    /// <summary>Serves disks (QEMU's <c>iothread</c> objects).</summary>
    [JsonStringEnumMemberName("iothread")]
    IoThread,

    /// <summary>Moves network packets for the guest, in the kernel.</summary>
    [JsonStringEnumMemberName("vhost")]
    Vhost,

    /// <summary>The kernel's timer emulation for the guest.</summary>
    [JsonStringEnumMemberName("kvm-pit")]
    KvmPit,

    /// <summary>Any other thread of QEMU: workers, RCU, VNC, migration.</summary>
    [JsonStringEnumMemberName("helper")]
    Helper,
}

/// <summary>One thread of a VM as it was found.</summary>
internal sealed record VmThread
{
    /// <summary>The thread's id.</summary>
    public required int Tid { get; init; }

    /// <summary>When the thread started, in clock ticks since boot: with the id it names the thread for good.</summary>
    public required ulong StartTime { get; init; }

    /// <summary>The thread's name, with bytes that aren't printable UTF-8 replaced.</summary>
    public required string Comm { get; init; }

    /// <summary>What it does.</summary>
    public required ThreadRole Role { get; init; }

    /// <summary>The vCPU's number, or the I/O thread's (<c>iothread&lt;n&gt;</c>); null for others.</summary>
    public int? Index { get; init; }

    /// <summary>The CPUs it may run on now; null if that couldn't be read.</summary>
    public CpuSet? Affinity { get; init; }

    /// <summary>How urgently it gets a CPU now; null if that couldn't be read.</summary>
    public ThreadScheduling? Scheduling { get; init; }

    /// <summary>The cpuset of the thread's own cgroup where that isn't the VM's; null where it is.</summary>
    public CpuSet? OwnCpuset { get; init; }

    /// <summary>Whether it's a thread of the kernel outside QEMU's process, and so a process by itself.</summary>
    public bool IsKernelProcess { get; init; }

    /// <summary>Whether it can't be told which VM the kernel's thread works for.</summary>
    public bool IsAmbiguous { get; init; }

    /// <summary>What it's called in sentences: <c>vcpu 0 (4715)</c>.</summary>
    public string Name => NameOf(Role, Index, Tid);

    /// <summary>The same, from its parts.</summary>
    internal static string NameOf(ThreadRole role, int? index, int tid) =>
        index is { } number ? $"{role.ToWord()} {number} ({tid})" : $"{role.ToWord()} ({tid})";
}
