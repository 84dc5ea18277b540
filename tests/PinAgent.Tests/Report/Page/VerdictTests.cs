using PinAgent.Model.Cpu;
using PinAgent.Model.Node;
using PinAgent.Model.Vm;
using PinAgent.Report.Cluster;
using PinAgent.Report.Map;
using PinAgent.Report.Page;
using PinAgent.Report.Status;
using PinAgent.Tests.Plan;
using Xunit;
using static PinAgent.Tests.Report.Page.PageVms;

namespace PinAgent.Tests.Report.Page;

/// <summary>The sentence at the top of the page.</summary>
public sealed class VerdictTests
{
    private static readonly VmStatus Good = Pinned("default/vm1", 100, "0", "4");

    [Fact]
    public void A_node_without_VMs_is_healthy() =>
        AssertVerdict(Health.Fine, "No VM runs on this node.", Node());

    [Fact]
    public void A_node_whose_VMs_did_not_ask_is_healthy() =>
        AssertVerdict(
            Health.Fine,
            "No dedicated VM runs on this node.",
            Node(NotDedicated("default/vm1", 100, 1, "0"))
        );

    [Fact]
    public void A_node_whose_dedicated_VMs_are_pinned_is_healthy()
    {
        AssertVerdict(Health.Fine, "The only dedicated VM is pinned.", Node(Good));
        AssertVerdict(
            Health.Fine,
            "All 2 dedicated VMs are pinned.",
            Node(Good, Pinned("default/vm2", 200, "1", "5"))
        );
    }

    [Fact]
    public void A_VM_that_is_not_pinned_is_named_with_its_reason() =>
        AssertVerdict(
            Health.Problem,
            "1 of 2 dedicated VMs pinned; default/vm2 isn't: NotEnoughCpus.",
            Node(Good, Refused("default/vm2", 200, 2, "1", Reason.NotEnoughCpus, "too few"))
        );

    [Fact]
    public void Of_many_VMs_that_are_not_pinned_three_are_named() =>
        AssertVerdict(
            Health.Problem,
            "0 of 5 dedicated VMs pinned; a/1 isn't: UnknownCpu; a/2 isn't: UnknownCpu; a/3 isn't: UnknownCpu; "
                + "2 more aren't.",
            Node([
                .. Enumerable
                    .Range(1, 5)
                    .Select(n => Refused($"a/{n}", n, 1, $"{n}", Reason.UnknownCpu, "unknown")),
            ])
        );

    [Fact]
    public void A_VM_that_waits_needs_attention_and_is_no_problem_yet() =>
        AssertVerdict(
            Health.Attention,
            "0 of 1 dedicated VM pinned; default/vm1 isn't: AuditMode.",
            Node(PageStatuses.Unpinned(Good, "0,4"))
        );

    [Fact]
    public void A_VM_of_which_the_API_server_has_not_told_needs_attention() =>
        AssertVerdict(
            Health.Attention,
            "The only dedicated VM is pinned; default/vm2 isn't: ApiUnanswered.",
            Node(
                Good,
                NotDedicated("default/vm2", 200, 1, "1") with
                {
                    Reason = Reason.ApiUnanswered,
                }
            )
        );

    [Fact]
    public void Two_VMs_on_one_CPU_are_a_problem_though_both_are_pinned() =>
        AssertRemark(
            Health.Problem,
            "more than one VM has CPU 4",
            Node(Good, Pinned("default/vm2", 200, "4", "5"))
        );

    [Theory]
    [InlineData(ViolationKind.Overlap, "Problem")]
    [InlineData(ViolationKind.Sibling, "Problem")]
    [InlineData(ViolationKind.Throttled, "Problem")]
    [InlineData(ViolationKind.Disagreement, "Problem")]
    [InlineData(ViolationKind.Isolated, "Problem")]
    [InlineData(ViolationKind.Checkpoint, "Problem")]
    // The VM has its CPUs, and may lose some time there.
    [InlineData(ViolationKind.Stranger, "Attention")]
    [InlineData(ViolationKind.Helper, "Attention")]
    [InlineData(ViolationKind.Confined, "Attention")]
    [InlineData(ViolationKind.Interrupts, "Attention")]
    public void A_violation_is_a_problem_unless_it_only_disturbs(
        ViolationKind kind,
        string health
    ) =>
        AssertRemark(
            Enum.Parse<Health>(health),
            "1 violation",
            Node(Good) with
            {
                Violations = [new Violation(kind, CpuSet.Parse("0"), "x")],
            }
        );

    [Fact]
    public void An_API_server_out_of_reach_needs_attention_and_says_since_when() =>
        AssertRemark(
            Health.Attention,
            "the API server is out of reach since 2026-03-14 09:26:53 UTC",
            Node(Good) with
            {
                Cluster = PageStatuses.Medium().Cluster,
            }
        );

    [Fact]
    public void A_wrong_label_needs_attention_and_one_that_is_the_administrators_does_not()
    {
        AssertRemark(
            Health.Attention,
            "a node label is wrong",
            Node(Good) with
            {
                Labels = PageStatuses.Medium().Labels,
            }
        );
        AssertVerdict(
            Health.Fine,
            "The only dedicated VM is pinned.",
            Node(Good) with
            {
                Labels = new Dictionary<string, LabelStatus>
                {
                    ["cpumanager"] = new(null, "true", "admin", "the administrator's"),
                },
            }
        );
    }

    private static void AssertVerdict(Health health, string sentence, NodeStatus node)
    {
        var verdict = Verdict.Of(node, NodeMap.Of(node));
        Assert.Equal((health, sentence), (verdict.Health, verdict.Sentence));
    }

    private static void AssertRemark(Health health, string remark, NodeStatus node)
    {
        var verdict = Verdict.Of(node, NodeMap.Of(node));
        Assert.Equal(health, verdict.Health);
        Assert.Equal(remark, Assert.Single(verdict.Remarks));
    }

    private static NodeStatus Node(params VmStatus[] vms) =>
        PageStatuses.Node("node", Nodes.Parse(Nodes.A)) with
        {
            Vms = [.. vms],
        };
}
