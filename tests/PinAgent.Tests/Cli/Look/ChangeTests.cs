using PinAgent.Cli.Look;
using PinAgent.Model.Cpu;
using PinAgent.Model.Node;
using PinAgent.Model.Vm;
using PinAgent.Report.Status;
using PinAgent.Tests.Report.Page;
using Xunit;
using static PinAgent.Tests.Report.Page.PageVms;

namespace PinAgent.Tests.Cli.Look;

/// <summary>What <c>pinagent status --watch</c> writes into a pipe: a line for each change.</summary>
public sealed class ChangeTests
{
    private static readonly NodeStatus Before = PageStatuses.Small();
    private static readonly VmStatus Vm = Before.Vms[0];

    [Fact]
    public void A_status_that_says_the_same_is_no_line() =>
        Assert.Empty(Between(Before with { Vms = [.. Before.Vms.Reverse()] }));

    [Fact]
    public void A_VM_that_comes_and_one_that_ends_are_a_line_each() =>
        Assert.Equal(
            ["default/vm9 (pid 4900)  came: Pinned", "default/vm1 (pid 4000)  ended"],
            Between(
                Before with
                {
                    Vms = [.. Before.Vms[1..], Pinned("default/vm9", 4900, "0", "1")],
                }
            )
        );

    [Fact]
    public void A_VM_that_is_pinned_no_longer_says_so_with_its_reason_and_threads() =>
        Assert.Equal(
            [
                "default/vm1 (pid 4000)  Pinned → PartlyPinned, AnotherWriter: it is undone each time",
                "default/vm1 (pid 4000)  CPUs 2-3,6 → 2-6",
                "default/vm1 (pid 4000)  vcpu 1 (4011) from 6 to 0-7",
            ],
            Between(
                Before with
                {
                    Vms =
                    [
                        Vm.With(thread =>
                            thread.Tid == 4011
                                ? thread with
                                {
                                    Actual = CpuSet.Parse("0-7"),
                                }
                                : thread
                        ) with
                        {
                            State = VmState.PartlyPinned,
                            Reason = Reason.AnotherWriter,
                            Message = "it is undone each time",
                            Cpuset = CpuSet.Parse("2-6"),
                        },
                        .. Before.Vms[1..],
                    ],
                }
            )
        );

    [Fact]
    public void What_is_around_the_VMs_is_a_line_when_it_begins_and_when_it_ends()
    {
        var disturbed = Before with
        {
            Mode = AgentMode.Audit,
            Violations = [new Violation(ViolationKind.Stranger, CpuSet.Parse("2"), "x runs there")],
        };

        Assert.Equal(["mode enforce → audit", "violation: x runs there"], Between(disturbed));
        Assert.Equal(
            ["mode audit → enforce", "no longer so: x runs there"],
            StatusChanges.Between(disturbed, Before, _ => true)
        );
    }

    [Fact]
    public void A_VM_that_leaves_the_state_asked_for_is_told_and_others_are_not()
    {
        var filter = new VmFilter("", [VmState.Refused]);
        var after = Before with
        {
            Vms =
            [
                Vm with
                {
                    Cpuset = CpuSet.Parse("0-7"),
                },
                Pinned("default/vm2", 4100, "7", "7"),
                Before.Vms[2],
            ],
        };

        Assert.All(
            StatusChanges.Between(Before, after, filter.Has),
            line => Assert.StartsWith("default/vm2 (pid 4100)  ", line)
        );
        Assert.Contains(
            "default/vm2 (pid 4100)  Refused → Pinned",
            StatusChanges.Between(Before, after, filter.Has)
        );
    }

    private static IEnumerable<string> Between(NodeStatus after) =>
        StatusChanges.Between(Before, after, VmFilter.All.Has);
}
