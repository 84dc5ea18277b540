using PinAgent.Apply;
using PinAgent.Model.Cpu;
using PinAgent.Model.Vm;
using PinAgent.NativeInterop;

namespace PinAgent.Tests.Apply;

/// <summary>A kernel of the test's making: threads with masks, rules by which setting fails, and a diary.</summary>
internal sealed class FakeKernel : IThreadAffinity
{
    private readonly Dictionary<int, Thread> _threads = [];

    /// <summary>The masks set, successfully or not, in order: <c>1010=0</c>.</summary>
    public List<string> Written { get; } = [];

    /// <summary>Called after each set: the moment at which things happen behind the agent's back.</summary>
    public Action<int> AfterSet { get; set; } = _ => { };

    public Thread this[int tid] => _threads[tid];

    public void Add(VmThread thread, int process) =>
        _threads[thread.Tid] = new Thread
        {
            Process = process,
            StartTime = thread.StartTime,
            Cpus = thread.Affinity ?? CpuSet.Empty,
            Scheduling = thread.Scheduling ?? default,
        };

    public void Remove(int tid) => _threads.Remove(tid);

    public LinuxResult SetCpus(int tid, CpuSet cpus)
    {
        Written.Add($"{tid}={cpus}");
        var result = Set(tid, cpus);
        AfterSet(tid);
        return result;
    }

    public LinuxResult GetCpus(int tid, out CpuSet cpus)
    {
        cpus = CpuSet.Empty;
        if (!_threads.TryGetValue(tid, out var thread))
        {
            return new LinuxResult(Errno.ESRCH);
        }

        if (thread.GetFails == Errno.None)
        {
            cpus = thread.Cpus;
        }

        return new LinuxResult(thread.GetFails);
    }

    public LinuxResult SetScheduling(int tid, ThreadScheduling scheduling)
    {
        Written.Add($"{tid}={scheduling}");
        if (!_threads.TryGetValue(tid, out var thread))
        {
            return new LinuxResult(Errno.ESRCH);
        }

        if (thread.SchedulingFails == Errno.None)
        {
            thread.Scheduling = scheduling;
        }

        AfterSet(tid);
        return new LinuxResult(thread.SchedulingFails);
    }

    public LinuxResult GetScheduling(int tid, out ThreadScheduling scheduling)
    {
        var isThere = _threads.TryGetValue(tid, out var thread);
        scheduling = thread?.Scheduling ?? default;
        return new LinuxResult(isThere ? Errno.None : Errno.ESRCH);
    }

    public LinuxResult StartTimeOf(int pid, int tid, out ulong startTime)
    {
        var isThere = _threads.TryGetValue(tid, out var thread) && thread.Process == pid;
        startTime = isThere ? thread!.StartTime : 0;
        return new LinuxResult(isThere ? thread!.StatFails : Errno.ENOENT);
    }

    // As sched_setaffinity(2): CPUs outside the cpuset are dropped without a word, and none left is EINVAL.
    private LinuxResult Set(int tid, CpuSet cpus)
    {
        if (!_threads.TryGetValue(tid, out var thread))
        {
            return new LinuxResult(Errno.ESRCH);
        }

        if (thread.SetFails != Errno.None)
        {
            return new LinuxResult(thread.SetFails);
        }

        var allowed = thread.Cpuset is { } cpuset ? cpus.Intersect(cpuset) : cpus;
        if (allowed.IsEmpty)
        {
            return new LinuxResult(Errno.EINVAL);
        }

        thread.Cpus = allowed;
        return LinuxResult.Success;
    }

    internal sealed class Thread
    {
        public required int Process { get; init; }

        public required ulong StartTime { get; set; }

        public required CpuSet Cpus { get; set; }

        /// <summary>What the thread's cgroup allows; null for everything.</summary>
        public CpuSet? Cpuset { get; set; }

        public ThreadScheduling Scheduling { get; set; }

        public Errno SetFails { get; set; }

        /// <summary>The error that reading its <c>stat</c> ends with.</summary>
        public Errno StatFails { get; set; }

        public Errno SchedulingFails { get; set; }

        public Errno GetFails { get; set; }
    }
}
