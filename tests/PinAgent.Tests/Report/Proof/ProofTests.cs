using PinAgent.Model.Cpu;
using PinAgent.Model.Node;
using PinAgent.Model.Vm;
using PinAgent.Report.Proof;
using Xunit;
using Verdict = PinAgent.Report.Proof.PinningProof;

namespace PinAgent.Tests.Report.Proof;

/// <summary>What <c>pinagent prove</c> makes of two samples that are ten seconds apart.</summary>
public sealed class ProofTests
{
    private const double Seconds = 10;
    private const int Vcpu = 101;
    private const int Stranger = 500;

    private static readonly ProofSample Before = new(
        new Dictionary<int, ThreadTimes>
        {
            [Vcpu] = new(7, 100, "CPU 0/KVM", 2, 50, 1)
            {
                Migrations = 3,
                InvoluntarySwitches = 10,
            },
            [Stranger] = new(9, 499, "noisy", 2, 5, 0),
        },
        new Dictionary<int, double> { [2] = 100 },
        new Dictionary<int, long> { [2] = 1000 },
        (4, 1.5)
    );

    [Fact]
    public void A_vCPU_that_was_alone_on_its_CPU_is_the_proof()
    {
        var proof = Judge(After(run: 9.5));

        Assert.True(proof.Holds, proof.Verdict);
        Assert.StartsWith("pinning works: 1 vCPUs", proof.Verdict);
        var vcpu = Assert.Single(proof.Vcpus);
        Assert.Equal((0L, 0L, 25L), (vcpu.Migrations, vcpu.InvoluntarySwitches, vcpu.Interrupts));
        Assert.Equal(9.5, vcpu.RunSeconds, 6);
        Assert.Equal(0, vcpu.ForeignSeconds!.Value, 6);
        Assert.Equal((0L, 0d), (proof.ThrottledPeriods, proof.ThrottledSeconds));
    }

    [Fact]
    public void Whoever_ran_beside_it_is_named()
    {
        var proof = Judge(After(run: 7, wait: 2, busy: 9.9, foreign: 2.9));

        Assert.False(proof.Holds);
        Assert.Equal(
            "pinning is spoiled: vCPU 0 waited 2 s for CPU 2, most of all noisy (thread 500 of process 499)",
            proof.Verdict
        );
        Assert.Equal(2.9, proof.Vcpus[0].ForeignSeconds!.Value, 6);
        Assert.Equal(Stranger, proof.Vcpus[0].Worst!.Tid);
    }

    [Fact]
    public void A_CPU_that_is_shared_is_spoiled_though_the_vCPU_had_no_need_of_it()
    {
        var proof = Judge(After(run: 0, busy: 5, foreign: 5));

        Assert.Contains("shared CPU 2, on which something else ran for 5 s", proof.Verdict);
    }

    [Fact]
    public void Little_things_spoil_nothing()
    {
        Assert.True(Judge(After(run: 9, wait: 0.009, busy: 9.09, foreign: 0.09)).Holds);
    }

    [Fact]
    public void A_vCPU_that_moved_or_may_run_anywhere_is_told_first()
    {
        Assert.Contains(
            "vCPU 0 changed its CPU 2 times",
            Judge(After(run: 9, migrations: 2, wait: 5)).Verdict
        );
        Assert.Contains(
            "vCPU 0 isn't pinned: it may run on 2-3",
            Judge(After(run: 9), affinity: "2-3").Verdict
        );
    }

    [Fact]
    public void A_CPU_limit_that_held_the_container_back_is_told()
    {
        var proof = Judge(After(run: 9) with { Throttled = (9, 2.25) });

        Assert.Equal(
            "pinning is spoiled: the container was held back by its CPU limit in 5 periods, 0.75 s in all",
            proof.Verdict
        );
    }

    [Fact]
    public void A_thread_that_ended_or_whose_id_is_anothers_now_isnt_judged_by_strangers_figures()
    {
        var other = After(run: 9);
        Dictionary<int, ThreadTimes> threads = new(other.Threads);
        threads[Vcpu] = threads[Vcpu] with { StartTime = 8 };

        Assert.Contains("vCPU 0 ended", Judge(other with { Threads = threads }).Verdict);
        threads.Remove(Vcpu);
        Assert.Contains("vCPU 0 ended", Judge(other with { Threads = threads }).Verdict);
    }

    // The CPU was busy all the time, and its counter is in hundredths of a second; the second sample took its time.
    [Theory]
    [InlineData(0, 10.4)]
    [InlineData(0.3, 10.02)]
    [InlineData(4, 99)]
    public void Nothing_else_ran_for_longer_than_the_vCPU_did_not(double run, double busy)
    {
        var vcpu = Judge(After(run, busy: busy, foreign: 50)).Vcpus[0];

        Assert.Equal(Seconds - run, vcpu.ForeignSeconds!.Value, 6);
        Assert.Equal(Seconds, vcpu.Worst!.RunSeconds, 6);
    }

    // One that was offline at first would have run since the machine's start.
    [Fact]
    public void What_a_CPU_did_that_is_in_one_sample_only_is_not_known()
    {
        var after = After(run: 1);

        foreach (
            var proof in new[]
            {
                Judge(after with { BusySeconds = Empty<double>() }),
                Judge(
                    after,
                    before: Before with
                    {
                        BusySeconds = Empty<double>(),
                        Interrupts = Empty<long>(),
                    }
                ),
            }
        )
        {
            Assert.Null(proof.Vcpus[0].ForeignSeconds);
            Assert.True(proof.Holds, proof.Verdict);
        }

        Assert.Null(Judge(after with { Interrupts = Empty<long>() }).Vcpus[0].Interrupts);
    }

    [Fact]
    public void An_old_thread_that_only_the_second_sample_has_is_not_charged_with_its_whole_life()
    {
        var after = After(run: 7, busy: 9.9, foreign: 2.9);
        Dictionary<int, ThreadTimes> threads = new(after.Threads)
        {
            [600] = new(8, 599, "old", 2, 1000, 0),
            [601] = new(10, 599, "new", 2, 3.5, 0),
        };

        Assert.Equal(601, Judge(after with { Threads = threads }).Vcpus[0].Worst!.Tid);
        threads.Remove(601);
        Assert.Equal(Stranger, Judge(after with { Threads = threads }).Vcpus[0].Worst!.Tid);
    }

    private static Dictionary<int, T> Empty<T>() => [];

    private static ProofSample After(
        double run,
        double wait = 0,
        double? busy = null,
        double foreign = 0,
        long migrations = 0
    )
    {
        var vcpu = Before.Threads[Vcpu];
        var stranger = Before.Threads[Stranger];
        return Before with
        {
            Threads = new Dictionary<int, ThreadTimes>
            {
                [Vcpu] = vcpu with
                {
                    RunSeconds = vcpu.RunSeconds + run,
                    WaitSeconds = vcpu.WaitSeconds + wait,
                    Migrations = vcpu.Migrations + migrations,
                },
                [Stranger] = stranger with { RunSeconds = stranger.RunSeconds + foreign },
            },
            BusySeconds = new Dictionary<int, double> { [2] = 100 + (busy ?? run) },
            Interrupts = new Dictionary<int, long> { [2] = 1025 },
            Began = TimeSpan.FromSeconds(Seconds),
            Ended = TimeSpan.FromSeconds(Seconds),
        };
    }

    private static ProofStatus Judge(
        ProofSample after,
        string affinity = "2",
        ProofSample? before = null
    )
    {
        Assert.True(CpuSet.TryParse(affinity, out var cpus, out _));
        return Verdict.Of(
            new ObservedVm
            {
                Key = new VmKey(100, 6),
                Guest = GuestCpus.One,
                Threads =
                [
                    new VmThread
                    {
                        Tid = Vcpu,
                        StartTime = 7,
                        Comm = "CPU 0/KVM",
                        Role = ThreadRole.Vcpu,
                        Index = 0,
                        Affinity = cpus,
                    },
                ],
            },
            ("default", "vm1"),
            before ?? Before,
            after
        );
    }
}
