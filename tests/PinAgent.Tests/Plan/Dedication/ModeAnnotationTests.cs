using PinAgent.Model.Node;
using PinAgent.Model.Vm;
using PinAgent.Plan;
using Xunit;
using static PinAgent.Tests.Plan.Dedication.ClusterNode;

namespace PinAgent.Tests.Plan.Dedication;

public sealed class ModeAnnotationTests
{
    private readonly ClusterNode _node = new();

    [Theory]
    [InlineData(null, null, null, ModeLimit.None)]
    [InlineData("audit", null, null, ModeLimit.Audit)]
    [InlineData(null, "audit", null, ModeLimit.Audit)]
    [InlineData(null, null, "audit", ModeLimit.Audit)]
    [InlineData("audit", "off", "audit", ModeLimit.Off)]
    [InlineData("off", "enforce", "enforce", ModeLimit.Off)]
    [InlineData("enforce", null, null, ModeLimit.None)]
    public void The_strictest_annotation_counts(
        string? vmi,
        string? pod,
        string? node,
        ModeLimit limit
    )
    {
        var vm = Pass(vmi, pod, node);

        Assert.Equal(limit, vm.Limit);
        Assert.True(vm.Dedicated);
        Assert.Equal(limit == ModeLimit.Off, vm.Placement is null);
        Assert.Equal(limit == ModeLimit.Audit ? 1 : 0, vm.Advisories.Length);
    }

    [Fact]
    public void Off_wants_nothing_and_says_who_said_so()
    {
        var vm = Pass(null, "off", null);

        Assert.Equal(
            new Standing(
                VmState.Waiting,
                Reason.SwitchedOff,
                "annotation pinagent.dev/mode=off on the pod: nothing is wanted of this VM's threads"
            ),
            vm.Obstacle
        );
        Assert.All(vm.Threads, thread => Assert.Null(thread.Wanted));
    }

    [Fact]
    public void A_word_that_isnt_understood_is_passed_over_and_shown()
    {
        var vm = Pass("Off", null, null);

        Assert.Equal(ModeLimit.None, vm.Limit);
        Assert.Equal(
            [
                "annotation pinagent.dev/mode on the VMI: expected audit or off, found \"Off\", so it's passed over",
            ],
            vm.Advisories
        );
    }

    [Fact]
    public void An_annotation_holds_while_the_api_is_away_and_goes_when_it_is_taken_off()
    {
        Pass(null, "off", null);
        Assert.Equal(ModeLimit.Off, _node.WithoutApi().Pass().Limit);

        _node.Facts = new ClusterNode().Facts;
        Assert.Equal(ModeLimit.None, Pass(null, null, null).Limit);
    }

    private VmPlan Pass(string? vmi, string? pod, string? node)
    {
        _node
            .Run(100, "p1")
            .Tell([Launcher("p1", "vm1") with { Mode = pod }], Vmi("vm1") with { Mode = vmi });
        _node.Facts = _node.Facts with { NodeMode = node };
        return _node.Pass();
    }
}
