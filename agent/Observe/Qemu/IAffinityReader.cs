using PinAgent.Model.Cpu;
using PinAgent.Model.Vm;
using PinAgent.NativeInterop;
using PinAgent.Observe.Files;
using PinAgent.Observe.Proc;

namespace PinAgent.Observe.Qemu;

/// <summary>Reads which CPUs a thread may run on, and whether it's still as urgent.</summary>
internal interface IAffinityReader
{
    /// <summary>The CPUs thread <paramref name="tid"/> of process <paramref name="pid"/> may run on.</summary>
    /// <returns>Null if the thread is gone, or nothing says so.</returns>
    CpuSet? Read(int pid, int tid);

    /// <summary>Whether that is still so.</summary>
    /// <param name="cpus">What was read before.</param>
    bool IsStill(int pid, int tid, CpuSet? cpus) => cpus is not null && cpus.Equals(Read(pid, tid));

    /// <summary>Whether a thread is still as urgent.</summary>
    /// <param name="scheduling">What was read before.</param>
    bool IsStill(int pid, int tid, ThreadScheduling scheduling);
}

/// <summary>Asks the kernel: 0.5 µs a thread.</summary>
internal sealed class LiveAffinityReader : IAffinityReader
{
    private ulong[] _mask = [];
    private CpuSet _last = CpuSet.Empty;

    /// <inheritdoc/>
    public CpuSet? Read(int pid, int tid)
    {
        if (!SchedAffinity.Get(tid, ref _mask).IsSuccess)
        {
            return null;
        }

        // Many threads in a row have the same mask.
        return _last.EqualsMask(_mask) ? _last : _last = CpuSet.FromMask(_mask);
    }

    /// <inheritdoc/>
    public bool IsStill(int pid, int tid, CpuSet? cpus) =>
        cpus is not null && SchedAffinity.Get(tid, ref _mask).IsSuccess && cpus.EqualsMask(_mask);

    /// <inheritdoc/>
    public bool IsStill(int pid, int tid, ThreadScheduling scheduling) =>
        SchedPolicy.Get(tid, out var policy, out var priority).IsSuccess
        && scheduling == new ThreadScheduling((SchedulingPolicy)policy, priority);
}

/// <summary>Reads what a recorded machine's files say.</summary>
internal sealed class RecordedAffinityReader(HostFiles files) : IAffinityReader
{
    /// <inheritdoc/>
    public CpuSet? Read(int pid, int tid) =>
        files.Read($"/proc/{pid}/task/{tid}/status", out var status).IsSuccess
        && ProcStatus.TryParseAllowedCpus(status, out var cpus)
            ? cpus
            : null;

    /// <inheritdoc/>
    public bool IsStill(int pid, int tid, ThreadScheduling scheduling) =>
        files.Read($"/proc/{pid}/task/{tid}/stat", out var stat).IsSuccess
        && ProcStatScheduling.TryParse(stat) == scheduling;
}
