using PinAgent.Cli.Look;
using PinAgent.Model.Cpu;
using PinAgent.Model.Vm;
using PinAgent.Report.Status;
using PinAgent.Tests.Report.Page;
using Xunit;

namespace PinAgent.Tests.Cli.Look;

/// <summary>The pictures of <c>pinagent status</c>, in a terminal of 80 columns and in a wide one.</summary>
public sealed class PictureTests
{
    public static TheoryData<string, int> Pictures =>
        new MatrixTheoryData<string, int>(
            ["small", "audit", "medium", "crowded", "huge", "slow"],
            [80, 200]
        );

    [Theory]
    [MemberData(nameof(Pictures))]
    public void A_node_is_shown_with_a_line_for_each_VM(string node, int width)
    {
        var status = Status(node);
        var lines = Nodes.Draw(StatusLines.Render(status, VmFilter.All, width), width);

        Assert.All(lines, line => Assert.InRange(line.Length, 0, width));
        foreach (var vm in status.Vms)
        {
            Assert.Single(lines, line => line.Contains($" {vm.Pid} ", StringComparison.Ordinal));
        }

        Assert.InRange(lines.Count, 0, status.Vms.Length + 24);
        Golden.Check($"status/lines-{node}-{width}.txt", string.Join('\n', lines));
    }

    [Theory]
    [MemberData(nameof(Pictures))]
    public void The_CPUs_are_drawn_as_the_machine_is_built(string node, int width)
    {
        var lines = Nodes.Draw(MapLines.Render(Status(node), width), width);

        Assert.All(lines, line => Assert.InRange(line.Length, 0, width));
        Golden.Check($"status/map-{node}-{width}.txt", string.Join('\n', lines));
    }

    [Fact]
    public void What_goes_into_a_pipe_is_whole()
    {
        var status = Status("medium");
        var lines = Nodes.Draw(StatusLines.Render(status, VmFilter.All, width: null), 10_000);

        // The plugin for kubectl reads these.
        Assert.Contains(
            lines,
            line =>
                line.Split(' ', StringSplitOptions.RemoveEmptyEntries)
                    is ["VM", "PID", "STATE", "REASON", "CPUS"]
        );
        foreach (var vm in status.Vms)
        {
            Assert.Contains(
                lines,
                line =>
                    line.StartsWith($"{vm.Namespace}/{vm.Name} ", StringComparison.Ordinal)
                    && line.EndsWith($" {vm.Cpuset}", StringComparison.Ordinal)
            );
        }
    }

    [Fact]
    public void Whoever_needs_somebody_stands_first()
    {
        var lines = Nodes.Draw(StatusLines.Render(Nodes.Crowded(), VmFilter.All, 80), 80);
        var vms = lines
            .SkipWhile(line => !line.StartsWith("VM ", StringComparison.Ordinal))
            .ToList();

        Assert.StartsWith("problem: 78 of 79 dedicated VMs pinned", lines[0]);
        Assert.StartsWith("team-5/vm-40-", vms[1]);
        Assert.StartsWith("team-0/vm-07-", vms[2]);
        Assert.StartsWith("host/builder", vms[80]);
    }

    [Fact]
    public void A_filter_by_name_and_state_leaves_the_verdict_on_the_whole_node()
    {
        var filter = new VmFilter("TEAM-5/", [VmState.PartlyPinned]);
        var lines = Nodes.Draw(StatusLines.Render(Nodes.Crowded(), filter, 80), 80);

        Assert.StartsWith("problem: 78 of 79", lines[0]);
        Assert.Contains("showing 1 of 80 VMs", lines);
        Assert.Single(lines, line => line.StartsWith("team-", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("small", "2")]
    [InlineData("small", "7")]
    [InlineData("medium", "8,15")]
    [InlineData("slow", "5")]
    public void A_CPU_is_told_with_who_belongs_there_and_how_long_it_waited(
        string node,
        string cpus
    )
    {
        var before = RunDelays.Add(Status(node), tid => 1_000_000_000);
        var after = RunDelays.Add(Status(node), tid => 1_000_000_000 + (ulong)tid * 1000);
        var waits = WaitRates.Between(before, after, TimeSpan.FromSeconds(1));

        var lines = Nodes.Draw(CpuLines.Render(after, CpuSet.Parse(cpus), waits), 80);

        Assert.All(lines, line => Assert.InRange(line.Length, 0, 80));
        Golden.Check($"status/cpu-{node}-{cpus.Replace(',', '-')}.txt", string.Join('\n', lines));
    }

    [Fact]
    public void Who_only_may_run_where_nobody_waits_disturbs_no_VM()
    {
        var node = Nodes.Crowded();
        Assert.Equal(1, Disturbed(node));
        Assert.Equal(0, Disturbed(node.Waiting((_, _) => 0.001)));
        Assert.Equal(
            1,
            Disturbed(
                node.Waiting(
                    (vm, _) => vm.Name.Contains("-07-", StringComparison.Ordinal) ? 0.02 : 0
                )
            )
        );

        static int Disturbed(NodeStatus status) =>
            status.Vms.Count(vm => Pains.Of(vm, status) == Pain.Disturbed);
    }

    private static NodeStatus Status(string name) =>
        name switch
        {
            "small" => PageStatuses.Small(),
            "audit" => PageStatuses.Audit(),
            "medium" => PageStatuses.Medium(),
            "slow" => PageStatuses.Slow(),
            "crowded" => Nodes.Crowded(),
            _ => Nodes.Huge(),
        };
}
