using System.Collections.Immutable;
using PinAgent.Model;
using PinAgent.Model.Cpu;
using PinAgent.Model.Node;
using PinAgent.Observe.Files;
using PinAgent.Observe.Proc;
using PinAgent.Observe.Qemu;

namespace PinAgent.Observe.Neighbours;

/// <summary>
/// Finds who runs on a few CPUs right now, when a vCPU waits for one of them: in a second it's seen which processes use CPU time,
/// in the next which of their threads do, and where. Only the busiest are looked into, so that one with thousands of threads
/// costs no more than <see cref="MostThreads"/> readings. Not safe for use by several threads.
/// </summary>
internal sealed class CpuTakers(string root, TimeProvider time)
{
    /// <summary>The processes that are looked into, those with the most CPU time meanwhile.</summary>
    public const int MostProcesses = 16;

    /// <summary>Their threads that are read, of all together.</summary>
    public const int MostThreads = 1024;

    /// <summary>Whoever ran for less than this share of the time is none.</summary>
    public const double Least = 0.02;

    private static readonly TimeSpan Moment = TimeSpan.FromSeconds(1);

    private readonly List<int> _pids = [];
    private readonly List<int> _tids = [];
    private Dictionary<(int Id, ulong Start), ulong> _processes = [];
    private readonly Dictionary<int, string> _names = [];
    private List<int> _busy = [];
    private Dictionary<(int Id, ulong Start), Running> _threads = [];

    /// <summary>For how long the last look kept a CPU busy, or waited for one.</summary>
    public TimeSpan Cost { get; private set; }

    /// <summary>Looks for two seconds.</summary>
    /// <returns>Who ran on these CPUs, the busiest first; a process for each CPU.</returns>
    public async Task<ImmutableArray<CpuTaker>> LookAsync(CpuSet cpus, CancellationToken stop)
    {
        var start = time.GetTimestamp();
        Begin();
        Cost = time.GetElapsedTime(start);
        await Task.Delay(Moment, time, stop);
        start = time.GetTimestamp();
        Narrow();
        Cost += time.GetElapsedTime(start);
        var began = time.GetTimestamp();
        await Task.Delay(Moment, time, stop);
        start = time.GetTimestamp();
        var takers = End(cpus, time.GetElapsedTime(began));
        Cost += time.GetElapsedTime(start);
        return takers;
    }

    /// <summary>The threads that are looked at.</summary>
    internal int Threads => _threads.Count;

    /// <summary>The first look: at all processes.</summary>
    internal void Begin()
    {
        using var files = new HostFiles(root);
        _processes = ReadProcesses(files);
    }

    /// <summary>The second: which of them have run since, and their threads.</summary>
    internal void Narrow()
    {
        using var files = new HostFiles(root);
        var before = _processes;
        _busy =
        [
            .. ReadProcesses(files)
                .Where(process => Ran(before, process) > 0)
                .OrderByDescending(process => Ran(before, process))
                .Take(MostProcesses)
                .Select(process => process.Key.Id),
        ];
        _processes = [];
        _threads = ReadThreads(files);
    }

    /// <summary>The third: which of these have, and where.</summary>
    internal ImmutableArray<CpuTaker> End(CpuSet cpus, TimeSpan passed)
    {
        using var files = new HostFiles(root);
        var before = _threads;
        _threads = [];
        return
        [
            .. ReadThreads(files)
                .Where(thread => cpus.Contains(thread.Value.Cpu))
                .GroupBy(thread => (thread.Value.Pid, thread.Value.Cpu))
                .Select(there => new CpuTaker(
                    there.Key.Pid,
                    _names.GetValueOrDefault(there.Key.Pid, ""),
                    there.Key.Cpu,
                    Math.Min(
                        1,
                        there.Sum(thread => Ran(before, thread))
                            / (ClockTicks.PerSecond * passed.TotalSeconds)
                    )
                ))
                .Where(taker => taker.Share >= Least)
                .OrderByDescending(taker => taker.Share),
        ];
    }

    // A process that has just begun has run for as long as it says.
    private static long Ran(
        Dictionary<(int Id, ulong Start), ulong> before,
        KeyValuePair<(int Id, ulong Start), ulong> now
    ) => (long)now.Value - (long)before.GetValueOrDefault(now.Key);

    private Dictionary<(int Id, ulong Start), ulong> ReadProcesses(HostFiles files)
    {
        var processes = new Dictionary<(int, ulong), ulong>();
        files.ListNumbers($"/proc", _pids);
        foreach (var pid in _pids)
        {
            if (
                files.ReadOnePiece($"/proc/{pid}/stat", out var content).IsSuccess
                && ProcStat.TryParse(content, out var stat)
            )
            {
                processes[(pid, stat.StartTime)] = stat.RunTime;
            }
        }

        return processes;
    }

    private Dictionary<(int Id, ulong Start), Running> ReadThreads(HostFiles files)
    {
        var threads = new Dictionary<(int, ulong), Running>();
        _names.Clear();
        foreach (var pid in _busy)
        {
            files.ListNumbers($"/proc/{pid}/task", _tids, MostThreads - threads.Count);
            foreach (var tid in _tids)
            {
                if (
                    files.ReadOnePiece($"/proc/{pid}/task/{tid}/stat", out var content).IsSuccess
                    && ProcStat.TryParse(content, out var stat)
                    && stat.Processor is { } cpu
                )
                {
                    threads[(tid, stat.StartTime)] = new(pid, cpu, stat.RunTime);
                    if (tid == pid)
                    {
                        _names[pid] = ThreadName.Printable(stat.Name);
                    }
                }
            }
        }

        return threads;
    }

    private static double Ran(
        Dictionary<(int Id, ulong Start), Running> before,
        KeyValuePair<(int Id, ulong Start), Running> now
    ) =>
        before.TryGetValue(now.Key, out var then)
            ? Math.Max(0, (double)now.Value.Ticks - then.Ticks)
            : now.Value.Ticks;

    private readonly record struct Running(int Pid, int Cpu, ulong Ticks);
}
