using System.Text.Json.Nodes;
using PinAgent.Model.Cpu;
using PinAgent.NativeInterop.Bpf.Witness;
using PinAgent.Report.Proof;
using Xunit;

namespace PinAgent.Tests.Report.Proof;

/// <summary>The figures that are made of what the kernel has seen.</summary>
public sealed class WitnessReportTests
{
    [Fact]
    public void Whom_to_watch_is_in_the_order_of_vCPUs_with_the_CPU_of_each_that_has_one()
    {
        _ = CpuSet.TryParse("4-5", out var two, out _);
        var vm = Witnessed.Vm with
        {
            Threads =
            [
                .. Witnessed.Vm.Threads,
                Witnessed.Vm.Threads[0] with
                {
                    Tid = 103,
                    Index = 2,
                    Affinity = two,
                },
            ],
        };

        Assert.Equal([(101, 3), (102, 2), (103, null)], WitnessReport.Threads(vm));
    }

    [Fact]
    public void Each_vCPU_has_its_percentiles_and_its_longest_wait()
    {
        var seen = Of();

        var (woken, preempted) = (seen.Vcpus[1].Woken, seen.Vcpus[1].Preempted);
        Assert.Equal((1, 102, 2), (seen.Vcpus[1].Index, seen.Vcpus[1].Tid, seen.Vcpus[1].Cpu));
        Assert.Equal((1000L, 2e-6), (woken.Count, woken.Max));
        Assert.InRange(woken.P99, 1e-6, 1.25e-6);
        Assert.Equal(2e-6, woken.P999);
        Assert.Equal((1L, 0.024, 0.024), (preempted.Count, preempted.P50, preempted.Max));
        Assert.Equal(
            (0L, 0d, 3L),
            (seen.Vcpus[0].Woken.Count, seen.Vcpus[0].Woken.Max, seen.Vcpus[0].Unseen)
        );
    }

    [Fact]
    public void Who_held_the_vCPU_up_longest_is_first_and_each_is_of_a_kind()
    {
        var use = Of().Cpus.Single(one => one.Cpu == 2);

        Assert.Equal(
            [
                ("process", "noisy"),
                ("kernel", "kworker/2:1"),
                ("rest", "crowd"),
                ("vm", "qemu-system-x86"),
            ],
            use.Ran.Select(one => (one.Kind, one.Comm))
        );
        var noise = use.Ran[0];
        Assert.Equal((499, 500, 5L), (noise.Pid, noise.Tid, noise.Times));
        Assert.Equal((0.1, 0.02, 0.024), (noise.Ran, noise.Longest, noise.HeldUp));
        Assert.Equal(new InterruptUse(4, 40e-6, 19e-6, "irq 24"), use.Interrupts);
        Assert.Equal(new InterruptUse(150, 1.9e-3, 72e-6, "net_rx"), use.SoftInterrupts);
    }

    // CPU 5 is nobody's of this VM.
    [Fact]
    public void Only_the_vCPUs_own_CPUs_are_told_of() =>
        Assert.Equal([2, 3], Of().Cpus.Select(use => use.Cpu));

    [Fact]
    public void The_longest_waits_come_first_with_their_time_and_whom_they_were_for()
    {
        var worst = Of().Worst;

        Assert.Equal([0.024, 2e-6], worst.Select(wait => wait.Seconds));
        Assert.Equal(new DateTimeOffset(2026, 3, 4, 12, 0, 2, 500, TimeSpan.Zero), worst[0].At);
        Assert.Equal(
            (1, 2, "preemption", true),
            (worst[0].Vcpu, worst[0].Cpu, worst[0].After, worst[0].IsOver)
        );
        Assert.Equal(new WaitedFor("process", 499, 500, "noisy", 0.02), worst[0].By);
        Assert.Null(worst[1].By);
    }

    [Fact]
    public void No_more_than_ten_waits_are_told_and_those_are_the_longest()
    {
        var gaps = Enumerable
            .Range(1, 16)
            .Select(i => new WitnessedGap(Witnessed.Begin, (ulong)i, WaitCause.Woken, 2, null, 0));
        var reading = Witnessed.Reading with
        {
            Vcpus =
            [
                Witnessed.Reading.Vcpus[0] with
                {
                    Worst = [.. gaps],
                },
                Witnessed.Reading.Vcpus[1],
            ],
        };

        var worst = WitnessReport.Of(Witnessed.Vm, reading, null).Worst;

        Assert.Equal(10, worst.Length);
        Assert.Equal(9e-9, worst[^1].Seconds);
    }

    // Whoever never gets the CPU back has no wait that ended: it'd look best of all.
    [Fact]
    public void A_wait_that_goes_on_counts_for_as_long_as_it_is_by_now()
    {
        var open = new WitnessedGap(
            Witnessed.End - 5_000_000_000,
            5_000_000_000,
            WaitCause.Preempted,
            2,
            Witnessed.Noise,
            4_000_000_000
        );
        var reading = Witnessed.Reading with
        {
            Vcpus = [Witnessed.Reading.Vcpus[0], Witnessed.Reading.Vcpus[1] with { Open = open }],
        };

        var seen = WitnessReport.Of(Witnessed.Vm, reading, TimeSpan.FromSeconds(1));

        Assert.True(seen.Exceeded);
        Assert.Equal(
            (2L, 5d, 0.024),
            (
                seen.Vcpus[1].Preempted.Count,
                seen.Vcpus[1].Preempted.Max,
                Round(seen.Vcpus[1].Preempted.P50)
            )
        );
        Assert.Equal(1000L, seen.Vcpus[1].Woken.Count);
        Assert.Equal((5d, false), (seen.Worst[0].Seconds, seen.Worst[0].IsOver));

        // To a quarter.
        static double Round(double seconds) => seconds is >= 0.024 and <= 0.03 ? 0.024 : seconds;
    }

    [Theory]
    [InlineData(23.999, true)]
    [InlineData(24, false)]
    [InlineData(24.001, false)]
    public void A_limit_is_exceeded_by_one_wait_that_is_longer(double milliseconds, bool exceeded)
    {
        var seen = Of(TimeSpan.FromMilliseconds(milliseconds));

        Assert.Equal(exceeded, seen.Exceeded);
        Assert.Equal(milliseconds / 1000, seen.Limit!.Value, 9);
        Assert.Null(Of().Exceeded);
    }

    [Fact]
    public void What_it_cost_is_the_share_of_one_CPU()
    {
        var seen = Of();

        Assert.Equal(
            (10d, 0.0002, 0.00002, 1000L),
            (seen.Seconds, seen.CostSeconds, seen.CostShare, seen.Events)
        );
    }

    [Fact]
    public void What_a_terminal_would_obey_is_in_no_name()
    {
        var reading = Witnessed.Reading with
        {
            Stretches = [new(2, new(9, 9, false, "a\u001b[2J"), 1, 1, 1, 0, false)],
        };

        Assert.Equal(
            "a\ufffd[2J",
            WitnessReport.Of(Witnessed.Vm, reading, null).Cpus[0].Ran[0].Comm
        );
    }

    [Fact]
    public void The_JSON_has_all_of_it()
    {
        var proof = new ProofStatus(
            "n",
            "vm1",
            1,
            10,
            true,
            "",
            [],
            null,
            null,
            Of(TimeSpan.FromMilliseconds(1))
        );

        var json = JsonNode.Parse(
            System.Text.Json.JsonSerializer.Serialize(proof, ProofJson.Default.ProofStatus)
        )!["witness"]!;

        Assert.True((bool)json["exceeded"]!);
        Assert.Equal(0.001, (double)json["limit"]!);
        Assert.Equal(0.024, (double)json["vcpus"]![1]!["preempted"]!["max"]!);
        Assert.Equal(2e-6, (double)json["vcpus"]![1]!["woken"]!["p999"]!);
        Assert.Equal("noisy", (string)json["cpus"]![0]!["ran"]![0]!["comm"]!);
        Assert.Equal("2026-03-04T12:00:02.5+00:00", (string)json["worst"]![0]!["at"]!);
        Assert.Equal("noisy", (string)json["worst"]![0]!["by"]!["comm"]!);
        Assert.Equal(0.00002, (double)json["costShare"]!);
    }

    private static WitnessStatus Of(TimeSpan? limit = null) =>
        WitnessReport.Of(Witnessed.Vm, Witnessed.Reading, limit);
}
