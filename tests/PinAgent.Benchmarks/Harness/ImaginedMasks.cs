using PinAgent.Apply;
using PinAgent.Model.Cpu;
using PinAgent.Model.Vm;
using PinAgent.NativeInterop;
using PinAgent.Observe.Files;
using PinAgent.Observe.Qemu;

namespace PinAgent.Benchmarks.Harness;

/// <summary>
/// Masks of CPUs that this machine hasn't. Each reading asks the kernel as well, so that it costs what it costs, and has the
/// last mask that was set for an answer.
/// </summary>
/// <param name="files">The node's files.</param>
internal sealed class ImaginedMasks(HostFiles files) : IAffinityReader, IThreadAffinity
{
    private readonly LiveAffinityReader _reader = new();
    private readonly KernelThreadAffinity _kernel = new(files);
    private readonly Dictionary<int, CpuSet> _masks = [];

    public CpuSet? Read(int pid, int tid)
    {
        var real = _reader.Read(pid, tid);
        return _masks.GetValueOrDefault(tid, real!);
    }

    public bool IsStill(int pid, int tid, CpuSet? cpus)
    {
        var isReal = _reader.IsStill(pid, tid, cpus);
        return _masks.TryGetValue(tid, out var set) ? set.Equals(cpus) : isReal;
    }

    public bool IsStill(int pid, int tid, ThreadScheduling scheduling) =>
        _reader.IsStill(pid, tid, scheduling);

    public LinuxResult SetCpus(int tid, CpuSet cpus)
    {
        _masks[tid] = cpus;
        return LinuxResult.Success;
    }

    public LinuxResult GetCpus(int tid, out CpuSet cpus)
    {
        var result = _kernel.GetCpus(tid, out var real);
        cpus = _masks.GetValueOrDefault(tid, real);
        return result;
    }

    public LinuxResult SetScheduling(int tid, ThreadScheduling scheduling) =>
        throw new InvalidOperationException("The benchmarks' VMs don't ask for real time.");

    public LinuxResult GetScheduling(int tid, out ThreadScheduling scheduling) =>
        _kernel.GetScheduling(tid, out scheduling);

    public LinuxResult StartTimeOf(int pid, int tid, out ulong startTime) =>
        _kernel.StartTimeOf(pid, tid, out startTime);
}
