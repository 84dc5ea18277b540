using System.Globalization;
using PinAgent.Benchmarks.Harness;

namespace PinAgent.Benchmarks;

/// <summary>
/// From a thread's name to its mask: 50 VMs of four threads, which all name themselves at once. The threads note when they
/// did, and their parent looks every 20 µs which may run on one CPU only.
/// </summary>
internal static class Birth
{
    private const int Vms = 50;
    private const int ThreadsOfEach = 4;

    public static IEnumerable<Figure> Run(Bench bench)
    {
        yield return Measure(bench, "idle", noise: 0, "p99 ≤ 1 ms");
        yield return Measure(bench, "2 busy processes", noise: 2, null);
    }

    private static Figure Measure(Bench bench, string machine, int noise, string? goal)
    {
        var (all, byAgent) = (new List<double>(), new List<double>());
        for (var i = 0; i < bench.Rounds; i++)
        {
            using var cpuset = bench.MakeCpuset("0-1");
            // It looks by itself once an hour only: what it does, it does because the kernel tells.
            using var agent = new RunningAgent(bench, "--interval", "3600");
            using var vms = bench.StartPosed(
                cpuset,
                "vms",
                "--vms",
                $"{Vms}",
                "--threads",
                $"{ThreadsOfEach}"
            );
            vms.ReadUntil("made");
            using var busy = new Noise(noise, "0-1");
            vms.WriteLine("name");
            all.AddRange(
                vms.ReadUntil("pinned")
                    .Select(line => long.Parse(line, CultureInfo.InvariantCulture) / 1e6)
            );
            byAgent.Add(
                agent.Metric("pin_duration_seconds_sum")
                    / agent.Metric("pin_duration_seconds_count")
                    * 1e3
            );
        }

        return new(
            $"Thread named → mask set, {Vms * ThreadsOfEach} threads of {Vms} VMs in one burst; {machine}",
            goal,
            $"p50 {Statistics.Short(all.Quantile(0.5))}, p99 {Statistics.Short(all.Quantile(0.99))}, "
                + $"max {Statistics.Short(all.Max())} ms; mean {Statistics.Short(all.Average())} ms, by the agent's "
                + $"own clock {Statistics.Short(byAgent.Average())} ms"
        );
    }
}
