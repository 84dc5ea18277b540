using PinAgent.Model.Cpu;
using PinAgent.Model.Node;
using PinAgent.Model.Vm;
using PinAgent.Report.Map;
using PinAgent.Report.Page;
using PinAgent.Report.Status;
using PinAgent.Tests.Plan;
using Xunit;
using static PinAgent.Tests.Report.Page.PageVms;

namespace PinAgent.Tests.Report.Page;

/// <summary>The sentence at the top of the page where the vCPUs' waits are measured, and in audit mode.</summary>
public sealed class MeasuredVerdictTests
{
    private static readonly VmStatus[] Two =
    [
        Pinned("default/vm1", 100, "0 1", "4"),
        Pinned("default/vm2", 200, "2 3", "5"),
    ];

    private static readonly Violation Everywhere = new(
        ViolationKind.Stranger,
        CpuSet.Parse("0-3"),
        "62 processes may run on every CPU"
    )
    {
        Severity = Severity.Possible,
        By = "backup (pid 812, 3 threads)",
    };

    [Fact]
    public void An_ordinary_host_is_healthy_where_no_vCPU_waits()
    {
        var verdict = Of(Node(Two).Waiting((_, thread) => thread.Index == 1 ? 0.0017 : 0));

        Assert.Equal(Health.Fine, verdict.Health);
        Assert.Equal(
            "All 2 dedicated VMs are pinned; no vCPU waited more than 0.2 % in the last minute.",
            verdict.Sentence
        );
    }

    [Fact]
    public void That_others_may_run_everywhere_makes_it_no_worse_and_is_still_said()
    {
        var node = Node(Two) with { Violations = [Everywhere] };

        Assert.Equal(Health.Fine, Of(node).Health);
        var verdict = Of(node.Waiting((_, _) => 0));
        Assert.Equal(
            (Health.Fine, "All 2 dedicated VMs are pinned; no vCPU waited in the last minute."),
            (verdict.Health, verdict.Sentence)
        );
        Assert.Equal(["1 possible disturbance, none measured"], verdict.Remarks);
    }

    [Theory]
    [InlineData(0.009, "Fine")]
    [InlineData(0.01, "Attention")]
    [InlineData(0.049, "Attention")]
    [InlineData(0.05, "Problem")]
    public void What_a_vCPU_waited_decides(double share, string health) =>
        Assert.Equal(
            Enum.Parse<Health>(health),
            Of(Node(Two).Waiting((vm, _) => vm.Pid == 200 ? share : 0)).Health
        );

    [Fact]
    public void Who_was_seen_running_there_is_named_and_nobody_who_only_may()
    {
        var verdict = Of(PageStatuses.Slow());

        Assert.Equal(Health.Problem, verdict.Health);
        Assert.Equal("there ran host/builder (pid 4200, 97 % of CPU 5)", verdict.Remarks[0]);
    }

    [Fact]
    public void Since_when_a_VM_is_slow_is_said_and_that_another_was()
    {
        Assert.Equal(
            [
                "default/vm2 has been slow since 2026-03-14 09:11:53 UTC",
                "default/vm1 was slow until 2026-03-14 08:48:53 UTC",
            ],
            Of(PageStatuses.Slow()).Remarks[1..3]
        );
    }

    [Theory]
    [InlineData(10, 1, "Fine", "default/vm1 was slow until 2026-03-14 08:26:53 UTC")]
    [InlineData(25, 1440, "Fine", null)]
    [InlineData(10, null, "Attention", "default/vm1 has been slow since 2026-03-13 23:26:53 UTC")]
    public void That_a_VM_was_slow_is_said_for_a_day_and_is_no_fault_any_more(
        int hours,
        int? ended,
        string health,
        string? remark
    )
    {
        var node = Node(Two).Waiting((_, _) => 0.001);
        var at = node.Waits!.At;
        var slow = new SlowStatus(
            at.AddHours(-hours),
            ended is { } minutes ? at.AddHours(minutes == 1 ? -1 : -24) : null,
            "waited"
        );

        var verdict = Of(node with { Vms = [Two[0] with { Slow = slow }, Two[1]] });

        Assert.Equal(Enum.Parse<Health>(health), verdict.Health);
        Assert.Equal(remark is null ? [] : [remark], verdict.Remarks);
    }

    [Fact]
    public void Who_was_slow_stands_before_whom_nothing_happened_to()
    {
        var node = Node(Two).Waiting((_, _) => 0.001);
        var at = node.Waits!.At;
        var page = PageRenderer
            .Render(
                node with
                {
                    Vms =
                    [
                        Two[0],
                        Two[1] with
                        {
                            Slow = new SlowStatus(at.AddHours(-2), at.AddHours(-1), "waited"),
                        },
                    ],
                }
            )
            .ToString();

        Assert.True(
            page.IndexOf("id=\"vm-200\"", StringComparison.Ordinal)
                < page.IndexOf("id=\"vm-100\"", StringComparison.Ordinal)
        );
        Assert.Contains(
            "was slow until <time datetime=\"2026-03-14T08:26:53Z\">2026-03-14 08:26:53 UTC</time>.</p>",
            page,
            StringComparison.Ordinal
        );
    }

    [Fact]
    public void Who_was_disturbed_and_by_how_much_is_said_and_who_may_have_been_in_the_way()
    {
        var node = Node([
            .. Two,
            NotDedicated("host/builder", 300, 2, "0-7"),
            NotDedicated("host/elsewhere", 400, 2, "4-7"),
        ]) with
        {
            Violations = [Everywhere],
        };

        var verdict = Of(
            node.Waiting((vm, thread) => vm.Pid == 200 && thread.Index == 1 ? 0.124 : 0.02)
        );

        Assert.Equal(
            "All 2 dedicated VMs are pinned; default/vm2's vCPU 1 waited 12 % of the last minute on CPU 3; 1 more VM was disturbed.",
            verdict.Sentence
        );
        Assert.Equal(
            [
                "on CPU 3 may run host/builder (4 threads); backup (pid 812, 3 threads)",
                "on CPU 0 may run host/builder (4 threads); backup (pid 812, 3 threads)",
            ],
            verdict.Remarks
        );
    }

    [Fact]
    public void Its_own_emulator_may_be_in_a_vCPUs_way()
    {
        var verdict = Of(
            Node(Pinned("default/vm1", 100, "0 1", "0-1", isIsolated: false))
                .Waiting((_, _) => 0.03)
        );

        Assert.Equal("on CPU 0 may run 2 of the VM's own threads", Assert.Single(verdict.Remarks));
    }

    [Theory]
    // Whoever runs in a vCPU's way is measured as its wait; an interrupt isn't.
    [InlineData(ViolationKind.Stranger, "Fine")]
    [InlineData(ViolationKind.Helper, "Fine")]
    [InlineData(ViolationKind.Emulator, "Fine")]
    [InlineData(ViolationKind.Interrupts, "Attention")]
    [InlineData(ViolationKind.Overlap, "Problem")]
    public void What_may_disturb_and_did_not_is_no_fault(ViolationKind kind, string health)
    {
        var node = Node(Two) with { Violations = [new Violation(kind, CpuSet.Parse("0"), "x")] };

        Assert.Equal(Enum.Parse<Health>(health), Of(node.Waiting((_, _) => 0.001)).Health);
    }

    [Fact]
    public void A_VM_that_is_not_dedicated_may_wait()
    {
        var node = Node([.. Two, NotDedicated("host/builder", 300, 2, "4-7")]);

        Assert.Equal(Health.Fine, Of(node.Waiting((vm, _) => vm.Pid == 300 ? 0.5 : 0)).Health);
    }

    [Fact]
    public void Right_after_the_start_the_sentence_is_of_fewer_seconds()
    {
        var node = Node(Two).Waiting((_, _) => 0.0004);

        Assert.EndsWith(
            "no vCPU waited more than 0.1 % in the last 10 s.",
            Of(node with { Waits = node.Waits! with { Seconds = 10 } }).Sentence
        );
    }

    [Fact]
    public void In_audit_mode_it_says_what_would_be_done_and_finds_no_fault_with_it()
    {
        var audited = Node([
            .. Two.Select(vm => PageStatuses.Unpinned(vm, "0-7") with { Cpuset = vm.Cpuset }),
        ]) with
        {
            Mode = AgentMode.Audit,
        };

        var verdict = Of(audited);
        Assert.Equal(
            (Health.Attention, true, "2 VMs would be pinned, 8 threads moved."),
            (verdict.Health, verdict.OnlyAudits, verdict.Sentence)
        );
        Assert.Empty(verdict.Remarks);
        Assert.DoesNotContain("What to do", PageRenderer.Render(audited).ToString());
    }

    [Fact]
    public void And_what_could_not_be_pinned_is_a_problem_then_too()
    {
        var verdict = Of(
            Node(
                PageStatuses.Unpinned(Two[0], "0-7"),
                Refused("default/vm3", 300, 2, "6", Reason.NotEnoughCpus, "too few")
            ) with
            {
                Mode = AgentMode.Audit,
            }
        );

        Assert.Equal(
            (
                Health.Problem,
                false,
                "1 VM would be pinned, 4 threads moved; default/vm3 isn't: NotEnoughCpus."
            ),
            (verdict.Health, verdict.OnlyAudits, verdict.Sentence)
        );
    }

    [Fact]
    public void Each_violation_is_listed_by_how_bad_it_is()
    {
        var page = PageRenderer
            .Render(
                Node(Two) with
                {
                    Violations =
                    [
                        Everywhere,
                        new Violation(ViolationKind.Interrupts, CpuSet.Parse("0"), "a device"),
                        .. Enumerable
                            .Range(0, 7)
                            .Select(n => new Violation(
                                ViolationKind.Overlap,
                                CpuSet.Parse("0"),
                                $"overlap {n}"
                            )),
                    ],
                }
            )
            .ToString();

        var (broken, disturbing, possible) = (
            page.IndexOf(
                """<section class="sentences problem"><h2>Broken promises</h2>""",
                StringComparison.Ordinal
            ),
            page.IndexOf(
                """<section class="sentences attention"><h2>Disturbing</h2>""",
                StringComparison.Ordinal
            ),
            page.IndexOf(
                """<section class="sentences quiet"><h2>May disturb</h2>""",
                StringComparison.Ordinal
            )
        );
        Assert.True(0 < broken && broken < disturbing && disturbing < possible);
        Assert.Contains("<summary>2 more</summary>", page[broken..disturbing]);
    }

    private static Verdict Of(NodeStatus node) => Verdict.Of(node, NodeMap.Of(node));

    private static NodeStatus Node(params VmStatus[] vms) =>
        PageStatuses.Node("node", Nodes.Parse(Nodes.A)) with
        {
            Vms = [.. vms],
        };
}
