using System.Collections.Immutable;
using PinAgent.Model.Text;
using PinAgent.Model.Vm;
using PinAgent.NativeInterop.Bpf.Witness;

namespace PinAgent.Report.Proof;

/// <summary>Makes figures of what the kernel has seen. Pure.</summary>
internal static class WitnessReport
{
    private const double Nanoseconds = 1e9;
    private const int MostWaits = 10;

    // linux/interrupt.h
    private static readonly ImmutableArray<string> SoftNames =
    [
        "hi",
        "timer",
        "net_tx",
        "net_rx",
        "block",
        "irq_poll",
        "tasklet",
        "sched",
        "hrtimer",
        "rcu",
    ];

    /// <summary>The vCPUs' threads, and the CPU of each that has one.</summary>
    public static ImmutableArray<(int Tid, int? Cpu)> Threads(ObservedVm vm) =>
        [.. Vcpus(vm).Select(thread => (thread.Tid, CpuOf(thread)))];

    /// <summary>Makes the figures.</summary>
    /// <param name="vm">As it was when <see cref="Threads"/> told whom to watch.</param>
    /// <param name="limit">The longest wait allowed; null if there's none.</param>
    public static WitnessStatus Of(ObservedVm vm, WitnessReading reading, TimeSpan? limit)
    {
        var vcpus = Vcpus(vm)
            .Zip(reading.Vcpus, (thread, seen) => (Thread: thread, Seen: seen))
            .ToImmutableArray();
        var waits = vcpus
            .Select(vcpu => new VcpuWaits(
                vcpu.Thread.Index ?? 0,
                vcpu.Thread.Tid,
                CpuOf(vcpu.Thread),
                Figures(vcpu.Seen.Woken, vcpu.Seen.Open, WaitCause.Woken),
                Figures(vcpu.Seen.Preempted, vcpu.Seen.Open, WaitCause.Preempted),
                (long)vcpu.Seen.Unseen
            ))
            .ToImmutableArray();
        var worst = vcpus
            .SelectMany(vcpu =>
                vcpu.Seen.Worst.Select(gap => (vcpu.Thread, Gap: gap, IsOver: true))
                    .Concat(vcpu.Seen.Open is { } open ? [(vcpu.Thread, open, false)] : [])
            )
            .OrderByDescending(wait => wait.Gap.Length)
            .Take(MostWaits)
            .Select(wait => Wait(vm, reading, wait.Thread, wait.Gap, wait.IsOver))
            .ToImmutableArray();
        var longest = waits.Select(Longest).DefaultIfEmpty().Max();
        var seconds = (reading.End - reading.Begin) / Nanoseconds;
        var cost = reading.Cost / Nanoseconds;
        return new(
            seconds,
            cost,
            seconds > 0 ? cost / seconds : 0,
            (long)reading.Events,
            limit?.TotalSeconds,
            limit is { } most ? longest > most.TotalSeconds : null,
            waits,
            [
                .. waits
                    .Select(vcpu => vcpu.Cpu)
                    .OfType<int>()
                    .Distinct()
                    .Order()
                    .Select(cpu => Use(vm, reading, cpu)),
            ],
            worst
        );
    }

    /// <summary>A vCPU's longest wait.</summary>
    public static double Longest(VcpuWaits vcpu) => Math.Max(vcpu.Woken.Max, vcpu.Preempted.Max);

    private static IEnumerable<VmThread> Vcpus(ObservedVm vm) =>
        vm.Threads.Where(thread => thread.Role == ThreadRole.Vcpu).OrderBy(thread => thread.Index);

    private static int? CpuOf(VmThread thread) =>
        thread.Affinity is { Count: 1 } one ? one.First() : null;

    private static WaitFigures Figures(WitnessedLatency seen, WitnessedGap? open, WaitCause cause)
    {
        var (count, total, longest, classes) = (seen.Count, seen.Total, seen.Longest, seen.Classes);
        // One that goes on is as long as it is by now, at least.
        if (open is not null && open.Cause == cause)
        {
            var index = LatencyClasses.Of(open.Length);
            classes = classes.SetItem(index, classes[index] + 1);
            (count, total) = (count + 1, total + open.Length);
            longest = Math.Max(longest, open.Length);
        }

        return new(
            (long)count,
            total / Nanoseconds,
            Percentile(0.5),
            Percentile(0.99),
            Percentile(0.999),
            longest / Nanoseconds
        );

        double Percentile(double share) =>
            LatencyClasses.Percentile(classes, share, longest) / Nanoseconds;
    }

    private static WorstWait Wait(
        ObservedVm vm,
        WitnessReading reading,
        VmThread thread,
        WitnessedGap gap,
        bool isOver
    ) =>
        new(
            reading.EndTime - TimeSpan.FromSeconds(((double)reading.End - gap.Begin) / Nanoseconds),
            gap.Length / Nanoseconds,
            thread.Index ?? 0,
            gap.Cpu >= 0 ? gap.Cpu : null,
            gap.Cause == WaitCause.Preempted ? "preemption" : "wake-up",
            isOver,
            gap.By is { } by
                ? new(
                    Kind(vm, by),
                    by.Pid,
                    by.Tid,
                    Words.Printable(by.Name),
                    gap.Held > 0 ? gap.Held / Nanoseconds : null
                )
                : null
        );

    private static CpuUse Use(ObservedVm vm, WitnessReading reading, int cpu)
    {
        return new(
            cpu,
            [
                .. reading
                    .Stretches.Where(one => one.Cpu == cpu)
                    .OrderByDescending(one => one.Held)
                    .ThenByDescending(one => one.Total)
                    .Select(one => new CpuUser(
                        one.IsRest ? "rest" : Kind(vm, one.By),
                        one.By.Pid,
                        one.By.Tid,
                        Words.Printable(one.By.Name),
                        (long)one.Count,
                        one.Total / Nanoseconds,
                        one.Longest / Nanoseconds,
                        one.Held / Nanoseconds
                    )),
            ],
            Served(isSoft: false),
            Served(isSoft: true)
        );

        InterruptUse Served(bool isSoft) =>
            reading.Interrupts.FirstOrDefault(one => one.Cpu == cpu && one.IsSoft == isSoft)
                is { Count: > 0 } seen
                ? new(
                    (long)seen.Count,
                    seen.Total / Nanoseconds,
                    seen.Longest / Nanoseconds,
                    isSoft ? SoftName(seen.LongestNumber) : $"irq {seen.LongestNumber}"
                )
                : new(0, 0, 0, null);
    }

    private static string SoftName(int number) =>
        number >= 0 && number < SoftNames.Length ? SoftNames[number] : $"softirq {number}";

    private static string Kind(ObservedVm vm, WitnessedRunner by) =>
        by.IsKernel ? "kernel"
        : by.Pid == vm.Key.Pid ? "vm"
        : "process";
}
