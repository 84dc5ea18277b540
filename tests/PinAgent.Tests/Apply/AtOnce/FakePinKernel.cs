using PinAgent.Apply.AtOnce;
using PinAgent.Model.Cpu;
using PinAgent.Model.Vm;
using PinAgent.NativeInterop;

namespace PinAgent.Tests.Apply.AtOnce;

/// <summary>Threads with masks, and processes that can be held.</summary>
internal sealed class FakePinKernel : IPinKernel
{
    private readonly Dictionary<int, (int Pid, ulong[] Mask)> _threads = [];
    private readonly HashSet<int> _ended = [];

    public List<string> Written { get; } = [];

    public int Held { get; private set; }

    public bool Refuses { get; set; }

    public void Add(int pid, int tid, string cpus) =>
        _threads[tid] = (pid, CpuSet.Parse(cpus).Mask.ToArray());

    public void End(int pid) => _ended.Add(pid);

    public IHeldProcess? Open(VmKey vm)
    {
        Held++;
        return new Process(this, vm.Pid);
    }

    public LinuxResult Get(int tid, ref ulong[] mask)
    {
        var found = _threads[tid].Mask;
        if (mask.Length < found.Length)
        {
            mask = new ulong[found.Length];
        }

        mask.AsSpan().Clear();
        found.CopyTo(mask, 0);
        return LinuxResult.Success;
    }

    public LinuxResult Set(int tid, ReadOnlySpan<ulong> mask)
    {
        if (Refuses)
        {
            return new LinuxResult(Errno.EPERM);
        }

        if (!CpuSet.FromMask(mask).Equals(CpuSet.Parse("0-7")))
        {
            Written.Add($"{tid}={CpuSet.FromMask(mask)}");
        }

        _threads[tid] = (_threads[tid].Pid, mask.ToArray());
        return LinuxResult.Success;
    }

    private sealed class Process(FakePinKernel kernel, int pid) : IHeldProcess
    {
        public bool HasThread(int tid) =>
            !kernel._ended.Contains(pid)
            && kernel._threads.TryGetValue(tid, out var thread)
            && thread.Pid == pid;

        public void Dispose() => kernel.Held--;
    }
}
