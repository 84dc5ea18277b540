using System.Globalization;
using PinAgent.Model;
using PinAgent.Model.Node;
using PinAgent.Model.Text;
using PinAgent.Model.Vm;
using PinAgent.Observe.Files;
using PinAgent.Observe.Proc;

namespace PinAgent.Observe.Proof;

/// <summary>
/// Reads what the kernel counts of threads and CPUs, for <c>pinagent prove</c>. It changes nothing, and is read twice, not in
/// a pass. Sources: proc_pid_stat(5), proc_stat(5); the kernel's <c>Documentation/scheduler/sched-stats.rst</c>.
/// </summary>
internal sealed class ProofSampler(HostFiles files, TimeProvider time)
{
    private const double Nanoseconds = 1e9;

    // Of the fields after the name: the time of start, and the CPU that the thread ran on last.
    private const int StartTimeField = 19;
    private const int ProcessorField = 36;

    private static readonly char[] Blanks = [' ', '\t'];

    private readonly CpuStat _cpuStat = new(files);
    private readonly List<int> _pids = [];
    private readonly List<int> _tids = [];

    /// <summary>Reads everything once.</summary>
    /// <param name="vm">The VM of which more is read.</param>
    public ProofSample Read(ObservedVm vm)
    {
        // All threads of a large node take a second. What is set off against each other is read afterwards, in one go.
        var threads = ReadOthers(vm);
        var began = Now();
        foreach (var tid in vm.Threads.Select(thread => thread.Tid))
        {
            if (ReadThread(vm.Key.Pid, tid) is { } thread)
            {
                threads[tid] = WithSwitches(vm.Key.Pid, tid, thread);
            }
        }

        var busy = ReadBusy();
        var ended = Now();
        return new ProofSample(threads, busy, ReadInterrupts(), _cpuStat.ReadThrottled(vm.Key.Pid))
        {
            Began = began,
            Ended = ended,
        };
    }

    private TimeSpan Now() => time.GetElapsedTime(0);

    private Dictionary<int, ThreadTimes> ReadOthers(ObservedVm vm)
    {
        var ours = vm.Threads.Select(thread => thread.Tid).ToHashSet();
        var threads = new Dictionary<int, ThreadTimes>();
        files.ListNumbers($"/proc", _pids);
        foreach (var pid in _pids)
        {
            files.ListNumbers(
                $"/proc/{pid}/task",
                _tids,
                pid == vm.Key.Pid ? Bounds.NodeThreads : Bounds.ForeignThreads
            );
            foreach (var tid in _tids)
            {
                if (!ours.Contains(tid) && ReadThread(pid, tid) is { } thread)
                {
                    threads[tid] = thread;
                }
            }
        }

        return threads;
    }

    private ThreadTimes? ReadThread(int pid, int tid)
    {
        if (
            !files.ReadText($"/proc/{pid}/task/{tid}/stat", out var stat).IsSuccess
            || !files.ReadText($"/proc/{pid}/task/{tid}/schedstat", out var schedstat).IsSuccess
        )
        {
            return null;
        }

        var close = stat.LastIndexOf(')');
        var open = stat.IndexOf('(', StringComparison.Ordinal);
        var fields = close < 0 ? [] : stat[(close + 1)..].Split(Blanks, Clean);
        var times = schedstat.Split(Blanks, Clean);
        return
            open >= 0
            && fields.Length > ProcessorField
            && times.Length > 1
            && ulong.TryParse(fields[StartTimeField], CultureInfo.InvariantCulture, out var start)
            && int.TryParse(fields[ProcessorField], CultureInfo.InvariantCulture, out var cpu)
            && double.TryParse(times[0], CultureInfo.InvariantCulture, out var run)
            && double.TryParse(times[1], CultureInfo.InvariantCulture, out var wait)
            ? new ThreadTimes(
                start,
                pid,
                Words.Printable(stat[(open + 1)..close]),
                cpu,
                run / Nanoseconds,
                wait / Nanoseconds
            )
            : null;
    }

    private ThreadTimes WithSwitches(int pid, int tid, ThreadTimes thread)
    {
        files.ReadText($"/proc/{pid}/task/{tid}/status", out var status);
        files.ReadText($"/proc/{pid}/task/{tid}/sched", out var sched);
        return thread with
        {
            InvoluntarySwitches = NamedNumber.Find(status, "nonvoluntary_ctxt_switches"),
            Migrations = NamedNumber.Find(sched, "se.nr_migrations"),
        };
    }

    // cpu0 1667747 131200 413666 674693 1522 0 8579 0 0 0: idle and iowait are the 4th and 5th, guests' time is in user's.
    private Dictionary<int, double> ReadBusy()
    {
        var busy = new Dictionary<int, double>();
        files.ReadText($"/proc/stat", out var text);
        foreach (var line in text.Split('\n'))
        {
            var fields = line.Split(Blanks, Clean);
            if (
                fields.Length > 8
                && fields[0].StartsWith("cpu", StringComparison.Ordinal)
                && int.TryParse(fields[0][3..], CultureInfo.InvariantCulture, out var cpu)
            )
            {
                var ticks = fields[1..9]
                    .Select(field => double.Parse(field, CultureInfo.InvariantCulture))
                    .ToArray();
                busy[cpu] = (ticks.Sum() - ticks[3] - ticks[4]) / ClockTicks.PerSecond;
            }
        }

        return busy;
    }

    private Dictionary<int, long> ReadInterrupts()
    {
        var counts = new Dictionary<int, long>();
        files.Read($"/proc/interrupts", out var content, Bounds.MachineFile);
        foreach (var (cpu, count) in ProcInterrupts.Parse(content).SelectMany(line => line.Counts))
        {
            counts[cpu] = counts.GetValueOrDefault(cpu) + count;
        }

        return counts;
    }

    private static StringSplitOptions Clean =>
        StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries;
}
