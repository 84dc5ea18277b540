using System.Collections.Immutable;

namespace PinAgent.NativeInterop.Bpf.Witness;

/// <summary>Reads what the programs have kept.</summary>
internal sealed class WitnessMaps(BpfLoader loader, WitnessOptions options)
{
    // What a program can't time itself: the kernel's way to it and back, in nanoseconds. By two processes that wake each other,
    // whose switches take so much longer than their programs' runs tell.
    private const double WayThere = 60;

    public WitnessReading Read(ulong begin, ulong end, DateTimeOffset endTime)
    {
        var cpus = new WitnessLayout.Cpu[options.Cpus];
        for (var i = 0; i < cpus.Length; i++)
        {
            cpus[i] = Value<WitnessLayout.Cpu>("cpus", (uint)i) ?? default;
        }

        return new(
            begin,
            end,
            endTime,
            [
                .. options.Threads.Select(
                    (thread, index) => Vcpu(thread.Tid, thread.Cpu, (uint)index, cpus, end)
                ),
            ],
            [.. Known(), .. cpus.SelectMany(Rest)],
            [.. cpus.SelectMany(Interrupts)],
            cpus.Aggregate(0UL, (sum, cpu) => sum + cpu.Events),
            cpus.Aggregate(0UL, (sum, cpu) => sum + CostOf(cpu))
        );
    }

    /// <summary>How long the programs took on a CPU, by those of their runs that were timed.</summary>
    internal static ulong CostOf(WitnessLayout.Cpu cpu) =>
        cpu.Timed == 0 ? 0 : (ulong)((((double)cpu.Cost / cpu.Timed) + WayThere) * cpu.Events);

    private WitnessedVcpu Vcpu(int tid, int? own, uint index, WitnessLayout.Cpu[] cpus, ulong end)
    {
        var vcpu = Value<WitnessLayout.Vcpu>("vcpus", index) ?? default;
        var worst = ImmutableArray.CreateBuilder<WitnessedGap>();
        foreach (var gap in vcpu.Worst)
        {
            if (gap.Length > 0)
            {
                worst.Add(
                    new(
                        gap.Begin,
                        gap.Length,
                        (WaitCause)gap.Why,
                        (int)gap.Cpu,
                        gap.By.Told(),
                        gap.Held
                    )
                );
            }
        }

        return new(
            tid,
            vcpu.Woken.Told(),
            vcpu.Preempted.Told(),
            vcpu.Unseen,
            worst.ToImmutable(),
            Open(vcpu, own, cpus, end)
        );
    }

    // Whoever runs there at the end hasn't been counted yet: it may have had the CPU longest.
    private static WitnessedGap? Open(
        WitnessLayout.Vcpu vcpu,
        int? own,
        WitnessLayout.Cpu[] cpus,
        ulong end
    )
    {
        if (vcpu.Since == 0 || vcpu.Since >= end)
        {
            return null;
        }

        var (by, held) = (vcpu.By.Told(), vcpu.Held);
        if (own is { } id && id < cpus.Length && cpus[id] is { Tid: > 0 } cpu)
        {
            var since = Math.Max(cpu.Since, vcpu.Since);
            if (since < end && end - since > held && cpu.Tid != vcpu.Tid)
            {
                (by, held) = (Running((int)cpu.Tid), end - since);
            }
        }

        return new(vcpu.Since, end - vcpu.Since, (WaitCause)vcpu.Why, own ?? -1, by, held);
    }

    private static WitnessedRunner Running(int tid)
    {
        try
        {
            return new(tid, tid, false, File.ReadAllText($"/proc/{tid}/comm").TrimEnd('\n'));
        }
        catch (Exception gone) when (gone is IOException or UnauthorizedAccessException)
        {
            return new(tid, tid, false, "");
        }
    }

    private unsafe IEnumerable<WitnessedStretches> Known()
    {
        var found = new List<WitnessedStretches>();
        var map = loader.Map("processes");
        WitnessLayout.Process process = default;
        WitnessLayout.Process next = default;
        var result = BpfCalls.NextKey(map, null, &process);
        while (result.IsSuccess)
        {
            WitnessLayout.Stretches stretches = default;
            if (
                BpfCalls.Lookup(map, &process, &stretches).IsSuccess
                && Told((int)process.Cpu, stretches, isRest: false) is { } told
            )
            {
                found.Add(told);
            }

            result = BpfCalls.NextKey(map, &process, &next);
            process = next;
        }

        return found;
    }

    private static IEnumerable<WitnessedStretches> Rest(WitnessLayout.Cpu cpu, int index) =>
        Told(index, cpu.Rest, isRest: true) is { } told ? [told] : [];

    private static WitnessedStretches? Told(
        int cpu,
        WitnessLayout.Stretches stretches,
        bool isRest
    ) =>
        stretches.By.Told() is { } by
            ? new(
                cpu,
                by,
                stretches.Count,
                stretches.Total,
                stretches.Longest,
                stretches.Held,
                isRest
            )
            : null;

    private static IEnumerable<WitnessedInterrupts> Interrupts(WitnessLayout.Cpu cpu, int index) =>
        cpu.IsWatched == 0
            ? []
            : [Told(index, false, cpu.Interrupts), Told(index, true, cpu.SoftInterrupts)];

    private static WitnessedInterrupts Told(int cpu, bool isSoft, WitnessLayout.Served served) =>
        new(cpu, isSoft, served.Count, served.Total, served.Longest, (int)served.LongestNumber);

    private unsafe T? Value<T>(string map, uint key)
        where T : unmanaged
    {
        T value = default;
        return BpfCalls.Lookup(loader.Map(map), &key, &value).IsSuccess ? value : null;
    }
}
