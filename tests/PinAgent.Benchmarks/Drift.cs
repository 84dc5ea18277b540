using System.Diagnostics;
using PinAgent.Benchmarks.Harness;
using PinAgent.HostTests.Harness;
using PinAgent.Model.Vm;

namespace PinAgent.Benchmarks;

/// <summary>
/// From a change that unpins a VM to the VM being right again, with a real QEMU of one vCPU and the agent as it comes. Where
/// the kernel itself puts the masks right when a cpuset changes, as it does since Linux 6.2, it's the time until the agent's
/// status says so.
/// </summary>
internal static class Drift
{
    private const ulong Cpu0 = 1;
    private const ulong Cpu1 = 2;
    private static readonly TimeSpan Longest = TimeSpan.FromSeconds(10);
    private const string Told = "≤ 100 ms, if an event tells";

    public static IEnumerable<Figure> Run(Bench bench)
    {
        using var cpuset = bench.MakeCpuset();
        using var agent = new RunningAgent(bench);

        // Each time another guest: from one that somebody keeps setting elsewhere, the agent would let go.
        yield return MeasureEach(
            bench,
            cpuset,
            "a vCPU's mask changed by hand",
            "≤ 1 s",
            prepare: qemu =>
            {
                Wait.Until(() => Mask.Of(qemu.Vcpu) == Cpu0);
                Thread.Sleep(VmBeginning.Lasts);
            },
            change: qemu => Mask.Set(qemu.Vcpu, Cpu1),
            isRepaired: qemu => Mask.Of(qemu.Vcpu) == Cpu0
        );
        yield return ByHand(bench, cpuset);
        using (var qemu = new Qemu(cpuset, ioThreads: 1))
        {
            var vcpu = qemu.Vcpu;
            yield return Measure(
                bench,
                "cpuset narrowed, 0-1 → 0",
                Told,
                prepare: () => Give("0-1"),
                change: () => SetCpus("0"),
                isRepaired: () => IsPinnedIn("0")
            );
            yield return Measure(
                bench,
                "cpuset moved, 0 → 1",
                Told,
                prepare: () => Give("0"),
                change: () => SetCpus("1"),
                isRepaired: () => IsPinnedIn("1")
            );
            yield return Measure(
                bench,
                "cpuset widened, 0 → 0-1: the emulator off the vCPU's CPU",
                Told,
                prepare: () =>
                {
                    Give("0");

                    // Else the kernel remembers that the agent wanted it on CPU 1 before.
                    Mask.Set(qemu.Pid, Cpu0);
                    Mask.Set(vcpu, Cpu0);
                },
                change: () => SetCpus("0-1"),
                isRepaired: () => Mask.Of(qemu.Pid) == Cpu1
            );
        }

        SetCpus("0-1");

        // Two vCPUs need both CPUs, and the emulator shares them: its mask tells that the VM was planned anew.
        yield return MeasureEach(
            bench,
            cpuset,
            "vCPU hot-plugged, QEMU's own time for it included",
            Told,
            prepare: qemu => Wait.Until(() => Mask.Of(qemu.Pid) == Cpu1),
            change: qemu => qemu.PlugVcpu(),
            isRepaired: qemu => Mask.Of(qemu.Pid) == (Cpu0 | Cpu1)
        );

        void Give(string cpus)
        {
            SetCpus(cpus);
            Wait.Until(() => IsPinnedIn(cpus));
        }

        void SetCpus(string cpus) => File.WriteAllText($"{cpuset.Folder}/cpuset.cpus", cpus);

        bool IsPinnedIn(string cpus) =>
            agent.Vm() is { } vm
            && (string?)vm["state"] == "Pinned"
            && (string?)vm["cpuset"] == cpus;
    }

    // Whoever sets the mask looks without a pause whether it's back: the row above does each millisecond.
    private static Figure ByHand(Bench bench, Cpuset cpuset)
    {
        var took = new List<double>();
        for (var i = 0; i < (bench.IsQuick ? 1 : 30); i++)
        {
            using var qemu = new Qemu(cpuset, ioThreads: 1);
            var vcpu = qemu.Vcpu;
            Wait.Until(() => Mask.Of(vcpu) == Cpu0);
            Thread.Sleep(VmBeginning.Lasts);
            Thread.Sleep(33 * i);
            var began = Stopwatch.GetTimestamp();
            Mask.Set(vcpu, Cpu1);
            while (Mask.Of(vcpu) != Cpu0 && Stopwatch.GetElapsedTime(began) < Longest) { }

            took.Add(Stopwatch.GetElapsedTime(began).TotalMilliseconds);
        }

        return new(
            "drift by hand undone, by event",
            "p99 ≤ 1 ms",
            $"p50 {Statistics.Short(took.Quantile(0.5))}, p99 {Statistics.Short(took.Quantile(0.99))} ms"
        );
    }

    private static Figure MeasureEach(
        Bench bench,
        Cpuset cpuset,
        string cause,
        string goal,
        Action<Qemu> prepare,
        Action<Qemu> change,
        Func<Qemu, bool> isRepaired
    )
    {
        Qemu? qemu = null;
        try
        {
            return Measure(
                bench,
                cause,
                goal,
                prepare: () =>
                {
                    qemu?.Dispose();
                    qemu = new Qemu(cpuset, ioThreads: 1);
                    prepare(qemu);
                },
                change: () => change(qemu!),
                isRepaired: () => isRepaired(qemu!)
            );
        }
        finally
        {
            qemu?.Dispose();
        }
    }

    private static Figure Measure(
        Bench bench,
        string cause,
        string goal,
        Action prepare,
        Action change,
        Func<bool> isRepaired
    )
    {
        var took = new List<double>();
        for (var i = 0; i < bench.Rounds; i++)
        {
            prepare();

            // The agent's period is a second: the changes come at all times of it.
            Thread.Sleep(1000 * i / bench.Rounds);
            var began = Stopwatch.GetTimestamp();
            change();
            Wait.Until(isRepaired);
            took.Add(Stopwatch.GetElapsedTime(began).TotalMilliseconds);
        }

        return new($"Drift → repaired: {cause}", goal, took.Spread("ms"));
    }
}
