using PinAgent.Model.Cpu;
using PinAgent.Model.Vm;
using PinAgent.NativeInterop;
using PinAgent.Observe.Files;
using PinAgent.Observe.Proc;

namespace PinAgent.Apply;

/// <summary>
/// The kernel's side of pinning: the only way in which PinAgent changes a running VM, beside <see cref="AtOnce.IPinKernel"/>, which sets
/// masks between two passes.
/// </summary>
internal interface IThreadAffinity
{
    /// <summary>Sets the CPUs a thread may run on.</summary>
    LinuxResult SetCpus(int tid, CpuSet cpus);

    /// <summary>Reads the CPUs a thread may run on.</summary>
    LinuxResult GetCpus(int tid, out CpuSet cpus);

    /// <summary>Sets how urgently a thread gets a CPU.</summary>
    LinuxResult SetScheduling(int tid, ThreadScheduling scheduling);

    /// <summary>Reads how urgently a thread gets a CPU.</summary>
    LinuxResult GetScheduling(int tid, out ThreadScheduling scheduling);

    /// <summary>Reads when the thread started, in clock ticks since boot.</summary>
    /// <param name="pid">The process the thread belongs to; its own id for a kernel thread.</param>
    /// <returns>An error that <see cref="ErrnoText.MeansGone"/> if it's gone.</returns>
    LinuxResult StartTimeOf(int pid, int tid, out ulong startTime);
}

/// <summary>The running kernel.</summary>
/// <param name="files">The machine's files: its <c>/proc</c> must be live (<see cref="HostFiles.HasLiveProc"/>).</param>
internal sealed class KernelThreadAffinity(HostFiles files) : IThreadAffinity
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
    public LinuxResult SetScheduling(int tid, ThreadScheduling scheduling) =>
        SchedPolicy.Set(tid, (int)scheduling.Policy, scheduling.Priority);

    /// <inheritdoc/>
    public LinuxResult GetScheduling(int tid, out ThreadScheduling scheduling)
    {
        var result = SchedPolicy.Get(tid, out var policy, out var priority);
        scheduling = new ThreadScheduling((SchedulingPolicy)policy, priority);
        return result;
    }

    /// <inheritdoc/>
    public LinuxResult StartTimeOf(int pid, int tid, out ulong startTime)
    {
        var result = files.ReadOnePiece($"/proc/{pid}/task/{tid}/stat", out var content);
        var isThere = ProcStat.TryParse(content, out var stat);
        startTime = isThere ? stat.StartTime : 0;
        return result.IsSuccess && !isThere ? new LinuxResult(Errno.ESRCH) : result;
    }
}

/// <summary>
/// No kernel at all, for a machine that is only files: its thread ids may be those of strangers here, so they must never
/// get further than this.
/// </summary>
internal sealed class NoThreadAffinity : IThreadAffinity
{
    /// <inheritdoc/>
    public LinuxResult SetCpus(int tid, CpuSet cpus) => throw Refuse(tid);

    /// <inheritdoc/>
    public LinuxResult GetCpus(int tid, out CpuSet cpus) => throw Refuse(tid);

    /// <inheritdoc/>
    public LinuxResult SetScheduling(int tid, ThreadScheduling scheduling) => throw Refuse(tid);

    /// <inheritdoc/>
    public LinuxResult GetScheduling(int tid, out ThreadScheduling scheduling) => throw Refuse(tid);

    /// <inheritdoc/>
    public LinuxResult StartTimeOf(int pid, int tid, out ulong startTime) => throw Refuse(tid);

    private static InvalidOperationException Refuse(int tid) =>
        new($"Thread {tid} is one of a recorded machine and not of this one.");
}
