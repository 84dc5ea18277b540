using System.Globalization;
using PinAgent.Benchmarks.Harness;

namespace PinAgent.Benchmarks;

/// <summary>
/// From a thread's name to its mask: a VM of 200 threads, which all name themselves at once. They note when they did, and
/// another process looks every 250 µs which may run on one CPU only. It's one VM, for two CPUs have room for one.
/// </summary>
internal static class Birth
{
    private const int Threads = 200;

    public static IEnumerable<Figure> Run(Bench bench)
    {
        yield return Measure(bench, "idle", noise: 0, "p99 ≤ 1 ms");
        yield return Measure(bench, "2 busy processes", noise: 2, null);
        yield return MeasureQemu(bench);
    }

    private static Figure MeasureQemu(Bench bench)
    {
        var means = new List<double>();
        for (var i = 0; i < bench.Rounds; i++)
        {
            using var cpuset = bench.MakeCpuset();
            using var agent = new RunningAgent(bench, "--interval", "3600");
            using var qemu = new Qemu(cpuset, ioThreads: 0);
            means.Add(MeanPin(agent));
        }

        return new(
            "Thread named → mask set, the vCPU of a QEMU that starts, by the agent's clock",
            "before the guest runs",
            means.Spread("ms")
        );
    }

    // In milliseconds. The agent tells of it after it's done.
    private static double MeanPin(RunningAgent agent)
    {
        Wait.Until(() => agent.Metric("pin_duration_seconds_count") > 0);
        return agent.Metric("pin_duration_seconds_sum")
            / agent.Metric("pin_duration_seconds_count")
            * 1e3;
    }

    private static Figure Measure(Bench bench, string machine, int noise, string? goal)
    {
        var (all, byAgent) = (new List<double>(), new List<double>());
        for (var i = 0; i < bench.Rounds; i++)
        {
            using var cpuset = bench.MakeCpuset();
            // It looks by itself once an hour only: what it does, it does because the kernel tells.
            using var agent = new RunningAgent(bench, "--interval", "3600");
            using var vms = bench.StartPosedIn(
                cpuset,
                "vms",
                "--vms",
                "1",
                "--threads",
                $"{Threads}"
            );
            vms.ReadUntil("made");
            using var busy = new Noise(noise, "0-1");
            vms.WriteLine("watch");
            all.AddRange(
                vms.ReadUntil("pinned")
                    .Select(line => long.Parse(line, CultureInfo.InvariantCulture) / 1e6)
            );
            byAgent.Add(MeanPin(agent));
        }

        return new(
            $"Thread named → mask set, {Threads} threads in a burst; {machine}",
            goal,
            $"p50 {Statistics.Short(all.Quantile(0.5))}, p99 {Statistics.Short(all.Quantile(0.99))}, "
                + $"max {Statistics.Short(all.Max())} ms; mean {Statistics.Short(all.Average())} ms, by the agent's "
                + $"own clock {Statistics.Short(byAgent.Average())} ms"
        );
    }
}
