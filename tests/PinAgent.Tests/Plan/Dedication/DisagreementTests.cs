using PinAgent.Apply;
using PinAgent.Model.Cpu;
using PinAgent.Model.Node;
using PinAgent.Plan.Dedication;
using PinAgent.Report.Violations;
using Xunit;

namespace PinAgent.Tests.Plan.Dedication;

/// <summary>A VM whose cgroup has 2-3, and a kubelet that says otherwise, second by second.</summary>
public sealed class DisagreementTests
{
    private readonly ClusterNode _node = new ClusterNode()
        .Tell([ClusterNode.Launcher("pod1", "vm1")], ClusterNode.Vmi("vm1"))
        .Run(100, "pod1");

    private Disagreements _disagreements = Disagreements.None;

    [Fact]
    public void A_new_VM_that_isnt_in_the_checkpoint_yet_is_no_violation()
    {
        Assert.Empty(PassAt(0, written: ""));
        Assert.Empty(PassAt(1, written: ""));
        Assert.Empty(PassAt(2, written: "2-3"));
        Assert.Empty(PassAt(60, written: "2-3"));
    }

    [Fact]
    public void What_lasts_for_more_than_10_s_is_told_with_who_says_what()
    {
        Assert.Empty(PassAt(100, written: "4-5"));
        Assert.Empty(PassAt(110, written: "4-5"));
        Assert.True(_disagreements.IsPending, "whoever makes no pass doesn't tell it");

        var violation = Assert.Single(PassAt(110.1, written: "6-7"));

        Assert.False(_disagreements.IsPending);

        Assert.Equal(
            (ViolationKind.Disagreement, CpuSet.Parse("2-3")),
            (violation.Kind, violation.Cpus)
        );
        Assert.StartsWith(
            "the exclusive CPUs of default/vm1 are told differently: cgroup 2-3, PodResources API unknown, checkpoint 6-7;",
            violation.Message
        );
        Assert.Empty(PassAt(111, written: "2-3"));
    }

    [Fact]
    public void One_that_comes_again_begins_anew()
    {
        PassAt(0, written: "4-5");
        PassAt(9, written: "2-3");

        Assert.Empty(PassAt(12, written: "4-5"));
        Assert.Empty(PassAt(20, written: "4-5"));
        Assert.Single(PassAt(23, written: "4-5"));
    }

    private IReadOnlyList<Violation> PassAt(double seconds, string written)
    {
        _node.CpuManager = new(
            CpuManagerState.Static,
            new CpuManagerCheckpoint(
                "static",
                CpuSet.Parse("0-1"),
                written.Length == 0
                    ? []
                    : [new ExclusiveCpus("pod1", "compute", CpuSet.Parse(written))]
            ),
            []
        );
        _node.Pass();
        _disagreements = _disagreements.With(_node.Last.Vms, TimeSpan.FromSeconds(seconds));
        return NodeViolations.Of(
            [.. _node.Last.Vms.Select(vm => new VmOutcome(vm, []))],
            new NodeTopology(Enumerable.Range(0, 16).Select(i => new LogicalCpu(i, 0, 0, i))),
            _disagreements,
            NodeNeighbours.Nothing
        );
    }
}
