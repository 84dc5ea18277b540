using PinAgent.Model.Node;
using PinAgent.Report.Proof;
using Xunit;
using Verdict = PinAgent.Report.Proof.PinningProof;

namespace PinAgent.Tests.Report.Proof;

/// <summary>The verdict where the kernel is a witness.</summary>
public sealed class WitnessedProofTests
{
    private static readonly ProofSample Before = new(
        new Dictionary<int, ThreadTimes>
        {
            [101] = new(7, Witnessed.Pid, "CPU 0/KVM", 3, 50, 1),
            [102] = new(7, Witnessed.Pid, "CPU 1/KVM", 2, 50, 1),
            [800] = new(5, 800, "guessed", 2, 1, 0),
        },
        new Dictionary<int, double> { [2] = 100, [3] = 100 },
        new Dictionary<int, long>(),
        null
    );

    [Fact]
    public void A_wait_beyond_the_limit_spoils_it_and_is_told_with_whom_it_was_for()
    {
        var proof = Judge(TimeSpan.FromMicroseconds(100), waited: 0);

        Assert.False(proof.Holds);
        Assert.Equal(
            "pinning is spoiled: vCPU 1 waited 24 ms at the longest, more than 100 µs, for noisy (pid 499)",
            proof.Verdict
        );
    }

    [Fact]
    public void Waits_within_the_limit_or_without_one_spoil_nothing()
    {
        Assert.True(Judge(TimeSpan.FromMilliseconds(24), waited: 0).Holds);
        Assert.True(Judge(null, waited: 0).Holds);
    }

    // Counters show who ran anywhere, and whose last CPU that was.
    [Fact]
    public void Who_was_seen_there_is_named_and_not_who_may_have_been()
    {
        var proof = Judge(null, waited: 2);

        Assert.Equal(
            "pinning is spoiled: vCPU 1 waited 2 s for CPU 2, most of all noisy (thread 500 of process 499)",
            proof.Verdict
        );
        Assert.Equal(0.1, proof.Vcpus[1].Worst!.RunSeconds);
        Assert.Null(proof.Vcpus[0].Worst);
    }

    private static ProofStatus Judge(TimeSpan? limit, double waited)
    {
        Dictionary<int, ThreadTimes> threads = new(Before.Threads);
        threads[102] = threads[102] with { WaitSeconds = 1 + waited };
        threads[800] = threads[800] with { RunSeconds = 9 };
        return Verdict.Of(
            Witnessed.Vm,
            ("default", "vm1"),
            Before,
            Before with
            {
                Threads = threads,
                Began = TimeSpan.FromSeconds(10),
                Ended = TimeSpan.FromSeconds(10),
            },
            WitnessReport.Of(Witnessed.Vm, Witnessed.Reading, limit)
        );
    }
}
