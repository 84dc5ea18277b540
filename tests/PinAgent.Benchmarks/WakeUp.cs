using System.Globalization;
using PinAgent.Benchmarks.Harness;

namespace PinAgent.Benchmarks;

/// <summary>
/// What pinning with an isolated emulator does to a vCPU beside noisy neighbours. Threads stand in for a guest: a vCPU that
/// is woken by a timer each millisecond, and then computes, and an emulator that is always busy. The neighbours, two busy
/// processes, have CPU 1; the guest has CPUs 0 and 1. Without the agent both its threads may run on either; with it the vCPU
/// has CPU 0 and the emulator CPU 1.
/// </summary>
internal static class WakeUp
{
    public static IEnumerable<Figure> Run(Bench bench)
    {
        var (unpinned, pinned) = (new List<Sample>(), new List<Sample>());
        for (var i = 0; i < bench.Rounds; i++)
        {
            unpinned.Add(Measure(bench, isPinned: false));
            pinned.Add(Measure(bench, isPinned: true));
        }

        const string Beside = "beside 2 busy processes on the emulator's CPU";
        yield return new($"vCPU's wake-up, {Beside}: not pinned", null, Lateness(unpinned));
        yield return new($"vCPU's wake-up, {Beside}: pinned", null, Lateness(pinned));
        yield return new(
            $"vCPU's throughput, {Beside}: pinned, against not pinned",
            null,
            $"{Statistics.Short(Median(pinned, s => s.Rounds) / Median(unpinned, s => s.Rounds))} ×"
        );
    }

    private static Sample Measure(Bench bench, bool isPinned)
    {
        var seconds = bench.Seconds(full: 5, quick: 1);
        using var cpuset = bench.MakeCpuset();
        using var guest = bench.StartPosedIn(cpuset, "vcpu", "--seconds", $"{seconds}");
        guest.ReadLine();
        using var agent = isPinned ? new RunningAgent(bench) : null;
        if (isPinned && Mask.Of(guest.Pid) != 2)
        {
            throw new InvalidOperationException(
                "the emulator: expected to be pinned to CPU 1, isn't"
            );
        }

        using var neighbours = new Noise(2, "1");
        guest.WriteLine("go");
        var fields = guest
            .ReadLine()
            .Split(' ')
            .Select(field => double.Parse(field, CultureInfo.InvariantCulture))
            .ToList();
        return new(fields[0] / 1e3, fields[1] / 1e3, fields[2] / 1e3, fields[3] / 1e3, fields[4]);
    }

    private static string Lateness(List<Sample> samples)
    {
        return $"late by p50 {Micros(s => s.P50)}, p99 {Micros(s => s.P99)}, p99.9 {Micros(s => s.P999)}, max {Micros(s => s.Max)} µs";

        string Micros(Func<Sample, double> value) => Statistics.Short(Median(samples, value));
    }

    private static double Median(List<Sample> samples, Func<Sample, double> value) =>
        samples.Select(value).Median();

    // Microseconds, and rounds of a loop.
    private sealed record Sample(double P50, double P99, double P999, double Max, double Rounds);
}
