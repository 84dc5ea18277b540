using System.Globalization;
using PinAgent.Benchmarks.Harness;

namespace PinAgent.Benchmarks;

/// <summary>
/// What pinning with an isolated emulator does to a vCPU. Threads stand in for a guest: a vCPU that is woken by a timer each
/// millisecond and answers, and then computes without a pause; an emulator and an I/O thread that are always busy. The guest has
/// CPUs 0 and 1 to itself. Without the agent its three threads may run on either; with it the vCPU has CPU 0, and the two others
/// share CPU 1.
/// </summary>
internal static class WakeUp
{
    private enum Guest
    {
        NotPinned,
        Pinned,
        PinnedOnCpuThatSleeps,
    }

    public static IEnumerable<Figure> Run(Bench bench)
    {
        var samples = Enum.GetValues<Guest>().ToDictionary(guest => guest, _ => new List<Sample>());
        for (var i = 0; i < bench.Rounds; i++)
        {
            foreach (var (guest, of) in samples)
            {
                of.Add(Measure(bench, guest));
            }
        }

        const string Beside = "vCPU beside two busy threads of its QEMU";
        yield return Lateness($"{Beside}: not pinned", samples[Guest.NotPinned]);
        yield return Lateness($"{Beside}: pinned", samples[Guest.Pinned]);
        yield return Lateness(
            $"{Beside}: pinned, and its CPU sleeps between wake-ups",
            samples[Guest.PinnedOnCpuThatSleeps]
        );
        var (pinned, not) = (Rounds(Guest.Pinned), Rounds(Guest.NotPinned));
        yield return new(
            $"{Beside}: what it computes, pinned against not pinned",
            null,
            $"{Statistics.Short(pinned / not)} ×"
        );

        double Rounds(Guest guest) => samples[guest].Select(sample => sample.Rounds).Median();
    }

    private static Sample Measure(Bench bench, Guest what)
    {
        var seconds = bench.Seconds(full: 5, quick: 1);
        using var cpuset = bench.MakeCpuset();
        using var guest = bench.StartPosedIn(
            cpuset,
            "vcpu",
            "-object",
            "iothread,id=io1",
            "--seconds",
            $"{seconds}"
        );
        guest.ReadLine();
        using var agent = what == Guest.NotPinned ? null : new RunningAgent(bench);
        if (agent is not null && Mask.Of(guest.Pid) != 2)
        {
            throw new InvalidOperationException(
                "the emulator: expected to be pinned to CPU 1, isn't"
            );
        }

        using var awake = what == Guest.PinnedOnCpuThatSleeps ? null : Noise.Awake();
        guest.WriteLine("go");
        var fields = guest
            .ReadLine()
            .Split(' ', StringSplitOptions.RemoveEmptyEntries)
            .Select(field => double.Parse(field, CultureInfo.InvariantCulture))
            .ToList();
        return new(fields[..4], fields[4..8], fields[8]);
    }

    private static Figure Lateness(string what, List<Sample> samples)
    {
        return new(
            what,
            null,
            $"wakes late by {Of(sample => sample.Late)}; 0.3 ms of work done after {Of(sample => sample.Answered)}"
        );

        string Of(Func<Sample, List<double>> took)
        {
            return $"p50 {Micros(0)}, p99 {Micros(1)}, p99.9 {Micros(2)}, max {Micros(3)} µs";

            string Micros(int index) =>
                Statistics.Short(samples.Select(sample => took(sample)[index] / 1e3).Median());
        }
    }

    // Nanoseconds by quantiles (p50, p99, p99.9, all), and rounds of a loop.
    private sealed record Sample(List<double> Late, List<double> Answered, double Rounds);
}
