using System.Collections.Immutable;
using PinAgent.Model.Cpu;
using PinAgent.Model.Vm;
using PinAgent.NativeInterop.Bpf.Witness;
using PinAgent.Report.Proof;

namespace PinAgent.Tests.Report.Proof;

/// <summary>A VM with two vCPUs, and what a kernel may have seen of it in ten seconds.</summary>
internal static class Witnessed
{
    public const int Pid = 100;
    public const ulong Begin = 1_000_000_000_000;
    public const ulong End = Begin + 10_000_000_000;

    public static readonly DateTimeOffset EndTime = new(2026, 3, 4, 12, 0, 10, TimeSpan.Zero);
    public static readonly WitnessedRunner Noise = new(499, 500, false, "noisy");
    public static readonly WitnessedRunner Worker = new(77, 77, true, "kworker/2:1");

    public static ObservedVm Vm { get; } =
        new()
        {
            Key = new VmKey(Pid, 6),
            Guest = GuestCpus.One,
            Threads = [Vcpu(1, "2"), Vcpu(0, "3")],
        };

    public static WitnessReading Reading { get; } =
        new(
            Begin,
            End,
            EndTime,
            [
                Seen(101, Waits(0), Waits(0)) with
                {
                    Unseen = 3,
                },
                Seen(
                    102,
                    Waits(2_000, (1_000, 998), (2_000, 2)),
                    Waits(24_000_000, (24_000_000, 1))
                ) with
                {
                    Worst =
                    [
                        new(Begin + 1, 2_000, WaitCause.Woken, 2, null, 0),
                        new(
                            Begin + 2_500_000_000,
                            24_000_000,
                            WaitCause.Preempted,
                            2,
                            Noise,
                            20_000_000
                        ),
                    ],
                },
            ],
            [
                new(2, Worker, 12, 900_000, 80_000, 10, false),
                new(2, Noise, 5, 100_000_000, 20_000_000, 24_000_000, false),
                new(2, new(900, 901, false, "crowd"), 70, 7_000, 100, 0, true),
                new(2, new(Pid, 100, false, "qemu-system-x86"), 2, 2_000, 1_000, 0, false),
                new(5, Noise, 1, 1, 1, 0, false),
            ],
            [new(2, false, 4, 40_000, 19_000, 24), new(2, true, 150, 1_900_000, 72_000, 3)],
            Events: 1_000,
            Cost: 200_000
        );

    public static WitnessedLatency Waits(
        ulong longest,
        params (ulong Length, ulong Count)[] lengths
    )
    {
        var classes = new ulong[256];
        ulong count = 0;
        ulong total = 0;
        foreach (var (length, times) in lengths)
        {
            classes[LatencyClasses.Of(length)] += times;
            count += times;
            total += length * times;
        }

        return new(count, total, longest, [.. classes]);
    }

    private static WitnessedVcpu Seen(
        int tid,
        WitnessedLatency woken,
        WitnessedLatency preempted
    ) => new(tid, woken, preempted, 0, ImmutableArray<WitnessedGap>.Empty, null);

    private static VmThread Vcpu(int index, string cpus)
    {
        _ = CpuSet.TryParse(cpus, out var affinity, out _);
        return new()
        {
            Tid = 101 + index,
            StartTime = 7,
            Comm = $"CPU {index}/KVM",
            Role = ThreadRole.Vcpu,
            Index = index,
            Affinity = affinity,
        };
    }
}
