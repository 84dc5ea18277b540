using PinAgent.Model.Cpu;
using PinAgent.Model.Node;
using PinAgent.Model.Vm;
using PinAgent.Plan;
using Xunit;

namespace PinAgent.Tests.Plan.Dedication;

/// <summary>CPUs of a VM of a cluster that another pod's container has too, second by second.</summary>
public sealed class OverlapTests
{
    private readonly ClusterNode _node = new ClusterNode()
        .Tell(
            [ClusterNode.Launcher("pod1", "vm1"), ClusterNode.Launcher("pod2", "vm2")],
            ClusterNode.Vmi("vm1"),
            ClusterNode.Vmi("vm2")
        )
        .Run(100, "pod1", "2-3");

    [Fact]
    public void For_twenty_seconds_it_means_nothing_and_then_both_are_named()
    {
        Assert.Equal("placed", PassAt(0).Standing());
        _node.Run(200, "pod2", "3-4");

        Assert.Equal("placed", PassAt(1).Standing());
        Assert.Equal("placed", PassAt(21).Standing());
        Assert.True(_node.Overlaps.IsPending, "whoever makes no pass doesn't tell it");

        var plan = PassAt(21.1);
        Assert.Equal("NotExclusive CpusetOverlaps", plan.Standing());
        Assert.Equal(
            "CPUs 3 are also those of default/vm2 (pid 200), which is dedicated too",
            plan.Obstacle!.Message
        );
        Assert.Contains("default/vm1 (pid 100)", Of(200).Obstacle!.Message);
        Assert.False(_node.Overlaps.IsPending);
    }

    [Fact]
    public void One_that_ends_in_time_and_comes_again_begins_anew()
    {
        _node.Run(200, "pod2", "3-4");
        PassAt(0);
        _node.Run(200, "pod2", "4-5");
        Assert.Equal("placed", PassAt(15).Standing());
        _node.Run(200, "pod2", "3-4");

        Assert.Equal("placed", PassAt(21).Standing());
        Assert.Equal("placed", PassAt(41).Standing());
        Assert.Equal("NotExclusive CpusetOverlaps", PassAt(41.1).Standing());
    }

    [Fact]
    public void What_is_on_CPUs_that_nobody_else_has_is_held_there()
    {
        PassAt(0);
        _node.Run(200, "pod2", "3-4");
        PassAt(1);
        _node.Run(100, "pod1", "2-3", masks: ["2-3", "2-3"]);

        var plan = PassAt(22);

        Assert.Equal("NotExclusive CpusetOverlaps", plan.Standing());
        Assert.Equal("2 -", plan.Vcpus());
        Assert.Null(
            plan.Threads.Single(thread => thread.Thread.Role == ThreadRole.Emulator).Wanted
        );
    }

    [Fact]
    public void Afterwards_it_has_the_placement_it_had()
    {
        _node.Run(100, "pod1", "2-3", masks: ["3", "2"]);
        Assert.Equal("3 2", PassAt(0).Vcpus());
        _node.Run(200, "pod2", "3-4");
        PassAt(1);
        PassAt(30);
        _node.Run(200, "pod2", "4-5").Run(100, "pod1", "2-3", masks: ["2-3", "2-3"]);

        Assert.Equal("3 2", PassAt(31).Vcpus());
    }

    [Fact]
    public void Where_the_cpuset_isnt_what_it_was_no_pin_is_valid_and_none_is_held()
    {
        PassAt(0);
        _node.Run(200, "pod2", "3-4");
        PassAt(1);
        _node.Run(100, "pod1", "2-4");

        Assert.Equal("- -", PassAt(30).Vcpus());
    }

    [Theory]
    [InlineData("app", false, false, "NotExclusive CpusetOverlaps")]
    [InlineData("prepare", false, false, "placed")]
    [InlineData("app", true, false, "placed")]
    [InlineData("app", false, true, "placed")]
    public void Exclusive_CPUs_of_a_container_that_lives_count_whatever_runs_in_it(
        string container,
        bool isFinished,
        bool isOwnPod,
        string standing
    )
    {
        var other = new PinAgent.Model.Kubernetes.PodFacts("pod9", "prod", "web")
        {
            IsFinished = isFinished,
            Containers = new([new("prepare", IsInit: true), new("app")]),
        };
        _node.Tell([ClusterNode.Launcher("pod1", "vm1"), other], ClusterNode.Vmi("vm1"));
        _node.CpuManager = new(
            CpuManagerState.Static,
            new CpuManagerCheckpoint(
                "static",
                CpuSet.Parse("0-1"),
                [
                    new("pod1", "compute", CpuSet.Parse("2-3")),
                    new(isOwnPod ? "pod1" : "pod9", container, CpuSet.Parse("3")),
                    new("gone", "app", CpuSet.Parse("2")),
                ]
            ),
            []
        );
        PassAt(0);
        PassAt(1);

        var plan = PassAt(25);

        Assert.Equal(standing, plan.Standing());
        if (plan.Obstacle is { } obstacle)
        {
            Assert.Equal(
                "CPUs 3 are also exclusive CPUs of pod prod/web (container app)",
                obstacle.Message
            );
            Assert.Equal("2 -", plan.Vcpus());
        }
    }

    private VmPlan PassAt(double seconds) => _node.Pass(now: TimeSpan.FromSeconds(seconds));

    private VmPlan Of(int pid) => _node.Last.Vms.Single(vm => vm.Vm.Key.Pid == pid);
}
