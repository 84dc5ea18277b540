using System.Globalization;
using PinAgent.Benchmarks.Harness;

namespace PinAgent.Benchmarks;

/// <summary>
/// From a thread's name to its mask: a VM of 200 threads, which all name themselves at once. Each notes when it did, and the
/// kernel says when it got its mask. It's one VM, for two CPUs have room for one. The agent is at nice −20.
/// </summary>
internal static class Birth
{
    private const int Threads = 200;

    private static readonly string[] Agent = ["--interval", "3600"];

    public static IEnumerable<Figure> Run(Bench bench)
    {
        yield return Measure(bench, "idle", noise: 0, "p50 ≤ 0.05 ms, p99 ≤ 0.3 ms, max ≤ 2 ms");
        yield return Measure(bench, "2 busy processes", noise: 2, "p99 ≤ 0.5 ms");
        yield return MeasureQemu(bench);
    }

    private static Figure MeasureQemu(Bench bench)
    {
        var means = new List<double>();
        for (var i = 0; i < Rounds(bench); i++)
        {
            using var cpuset = bench.MakeCpuset();
            using var agent = RunningAgent.Foremost(bench, Agent);
            using var qemu = new Qemu(cpuset, ioThreads: 0);
            means.Add(MeanPin(agent));
        }

        return new(
            "Thread named → mask set, the vCPU of a QEMU that starts, by the agent's clock",
            "≤ 0.3 ms",
            means.Spread("ms")
        );
    }

    private static int Rounds(Bench bench) => bench.IsQuick ? 1 : 30;

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
        for (var i = 0; i < Rounds(bench); i++)
        {
            using var cpuset = bench.MakeCpuset();
            // It looks by itself once an hour only: what it does, it does because the kernel tells.
            using var agent = RunningAgent.Foremost(bench, Agent);
            using var vms = bench.StartPosedIn(
                cpuset,
                "vms",
                [
                    "--vms",
                    "1",
                    "--threads",
                    $"{Threads}",
                    // As QEMU's command line has them.
                    .. Enumerable
                        .Range(1, Threads - 1)
                        .SelectMany(n => new[] { "-object", $"iothread,id=iothread{n}" }),
                ]
            );
            using var judge = new MaskJudge(bench, Numbers("made").Select(tid => (int)tid));
            using var busy = new Noise(noise, "0-1");
            vms.WriteLine("name");
            var named = Numbers("named");
            // An I/O thread may have its place before its name: it's the emulator's, too.
            all.AddRange(
                named.Zip(judge.Await(agent.Pid), (name, mask) => Math.Max(0, mask - name) / 1e6)
            );
            byAgent.Add(MeanPin(agent));

            IEnumerable<long> Numbers(string last) =>
                vms.ReadUntil(last)
                    .ConvertAll(line => long.Parse(line, CultureInfo.InvariantCulture));
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
