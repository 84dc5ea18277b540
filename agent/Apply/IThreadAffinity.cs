using PinAgent.Model;
using PinAgent.NativeInterop;
using PinAgent.Observe;

namespace PinAgent.Apply;

/// <summary>The kernel's side of pinning: the only way in which PinAgent changes a running VM.</summary>
public interface IThreadAffinity
{
    /// <summary>Sets the CPUs a thread may run on.</summary>
    LinuxResult SetCpus(int tid, CpuSet cpus);

    /// <summary>Reads the CPUs a thread may run on.</summary>
    LinuxResult GetCpus(int tid, out CpuSet cpus);

    /// <summary>When the thread started, in clock ticks since boot; null if it's gone.</summary>
    /// <param name="pid">The process the thread belongs to; its own id for a kernel thread.</param>
    /// <param name="tid">The thread.</param>
    ulong? StartTimeOf(int pid, int tid);
}

/// <summary>The running kernel.</summary>
/// <param name="files">The machine's files: its <c>/proc</c> must be live (<see cref="HostFiles.HasLiveProc"/>).</param>
public sealed class KernelThreadAffinity(HostFiles files) : IThreadAffinity
{
    private ulong[] _mask = [];

    /// <inheritdoc/>
    public LinuxResult SetCpus(int tid, CpuSet cpus) => SchedAffinity.Set(tid, cpus.Mask);

    /// <inheritdoc/>
    public LinuxResult GetCpus(int tid, out CpuSet cpus)
    {
        var result = SchedAffinity.Get(tid, ref _mask);
        cpus = result.IsSuccess ? CpuSet.FromMask(_mask) : CpuSet.Empty;
        return result;
    }

    /// <inheritdoc/>
    public ulong? StartTimeOf(int pid, int tid) =>
        files.Read($"/proc/{pid}/task/{tid}/stat", out var content).IsSuccess
        && ProcStat.TryParse(content, out var stat)
            ? stat.StartTime
            : null;
}
