using System.Globalization;
using PinAgent.Benchmarks.Harness;
using PinAgent.Model.Vm;

namespace PinAgent.Benchmarks;

/// <summary>
/// What the agent costs where nothing happens: CPU and memory beside 50 paused QEMUs of ten threads each, against a script
/// that looks every 100 ms. Without a cluster, so without the API's watches.
/// </summary>
internal static class Idle
{
    // A vCPU, the I/O threads, and three of QEMU's own.
    private const int IoThreads = 6;

    // USER_HZ.
    private const double TicksPerSecond = 100;

    public static IEnumerable<Figure> Run(Bench bench)
    {
        using var node = new LargeNode(bench);
        var qemus = new List<Qemu>();
        try
        {
            foreach (var cpuset in node.Cpusets)
            {
                qemus.Add(new Qemu(cpuset, IoThreads));
            }

            var threads = Qemu.ThreadsOf(qemus[0].Pid).Count();
            foreach (
                var (events, goal) in new[]
                {
                    (RunningAgent.MaskHook, "≤ 0.05 %"),
                    ("connector", "≤ 0.2 %"),
                }
            )
            {
                using var agent = new RunningAgent(
                    bench,
                    [.. node.AgentArguments, "--events", events]
                );

                // What the start costs is another matter, and so are a VM's first seconds.
                Thread.Sleep(VmBeginning.Lasts + TimeSpan.FromSeconds(5));
                var before = Memory(agent.Pid);
                var seconds = bench.Seconds(full: 120, quick: 20);
                var share = CpuShare(agent.Pid, seconds);
                var after = Memory(agent.Pid);
                yield return new(
                    $"Idle, {LargeNode.Vms} paused QEMUs of {threads} threads, --events {events}, over {seconds} s: the agent's CPU",
                    $"{goal} of one CPU",
                    $"{Statistics.Short(share)} %"
                );
                yield return new(
                    "The same: the agent's memory, at the begin and at the end",
                    "≤ 48 MiB",
                    $"{before}; {after}"
                );
            }

            using var script = Child.Start(Path.Combine(bench.Programs, "poll.sh"));
            var polled = bench.Seconds(full: 60, quick: 10);
            yield return new(
                $"The same, a script with taskset that looks every 100 ms, over {polled} s",
                null,
                $"{Statistics.Short(CpuShare(script.Pid, polled))} % of one CPU"
            );
        }
        finally
        {
            qemus.ForEach(qemu => qemu.Dispose());
        }
    }

    // Of one CPU, in percent, with the children that have ended.
    private static double CpuShare(int pid, int seconds)
    {
        var before = Ticks(pid);
        Thread.Sleep(TimeSpan.FromSeconds(seconds));
        return (Ticks(pid) - before) / TicksPerSecond / seconds * 100;
    }

    // utime, stime, cutime, cstime: fields 14 to 17 of proc(5), the 12th to 15th behind the name.
    private static double Ticks(int pid) =>
        File.ReadAllText($"/proc/{pid}/stat")
            .Split(')')[^1]
            .Split(' ', StringSplitOptions.RemoveEmptyEntries)[11..15]
            .Sum(field => long.Parse(field, CultureInfo.InvariantCulture));

    private static string Memory(int pid)
    {
        var lines = File.ReadAllLines($"/proc/{pid}/smaps_rollup");
        return $"RSS {Value("Rss:")}, PSS {Value("Pss:")} MiB";

        string Value(string key) =>
            Statistics.Short(
                double.Parse(
                    lines
                        .First(line => line.StartsWith(key, StringComparison.Ordinal))
                        .Split(' ', StringSplitOptions.RemoveEmptyEntries)[1],
                    CultureInfo.InvariantCulture
                ) / 1024
            );
    }
}
