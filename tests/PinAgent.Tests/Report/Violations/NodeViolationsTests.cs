using PinAgent.Apply;
using PinAgent.Model.Cpu;
using PinAgent.Model.Node;
using PinAgent.Model.Vm;
using PinAgent.Plan.Dedication;
using PinAgent.Report.Violations;
using PinAgent.Tests.Apply;
using PinAgent.Tests.Plan;
using Xunit;

namespace PinAgent.Tests.Report.Violations;

/// <summary>What is said of VMs on isolated CPUs, and of those that a CPU limit holds back.</summary>
public sealed class NodeViolationsTests
{
    [Theory]
    [InlineData(AgentMode.Enforce, "8-15", "")]
    [InlineData(AgentMode.Audit, "8-15", "8")]
    [InlineData(AgentMode.Audit, "0-15", "0-1,8")]
    [InlineData(AgentMode.Audit, "2-7", "")]
    public void A_VM_that_isnt_pinned_is_told_if_its_CPUs_are_isolated(
        AgentMode mode,
        string isolated,
        string told
    )
    {
        var violations = Of(new AppliedVm().Apply(mode), CpuSet.Parse(isolated), new());

        Assert.Equal(told, string.Join(' ', violations.Select(violation => violation.Cpus)));
        Assert.All(
            violations,
            violation =>
                Assert.StartsWith(
                    $"host/vm1 isn't pinned and may run on isolated CPUs {told}, between which the kernel balances nothing",
                    violation.Message
                )
        );
    }

    [Fact]
    public void An_isolated_partition_counts_as_isolcpus_does()
    {
        var vm = new AppliedVm().Apply(AgentMode.Audit);

        var violation = Assert.Single(
            Of(vm, CpuSet.Empty, new() { Isolated = CpuSet.Parse("0-1,8") })
        );

        Assert.Equal(
            (ViolationKind.Isolated, CpuSet.Parse("0-1,8")),
            (violation.Kind, violation.Cpus)
        );
    }

    [Theory]
    [InlineData(Reason.DedicatedCpusNotRequested, true)]
    [InlineData(Reason.NotEnoughCpus, true)]
    [InlineData(Reason.ThreadsUnnamed, true)]
    [InlineData(Reason.VcpuThreadsStarting, false)]
    [InlineData(Reason.ThreadGone, false)]
    public void Whatever_keeps_it_from_being_pinned_unless_it_only_begins_or_ends(
        Reason reason,
        bool isTold
    )
    {
        var vm = new AppliedVm().Apply(AgentMode.Audit);
        var plan = vm.Plan with { Obstacle = new(VmState.Waiting, reason, "because") };

        Assert.Equal(isTold, Of(vm with { Plan = plan }, CpuSet.Parse("0-15"), new()).Count == 1);
    }

    [Fact]
    public void A_VM_that_somebody_else_has_pinned_doesnt_pile_up() =>
        Assert.Empty(Of(AppliedVm.Pinned().Apply(AgentMode.Audit), CpuSet.Parse("0-15"), new()));

    [Fact]
    public void A_CPU_limit_that_held_a_VM_back_is_told()
    {
        var vm = AppliedVm.Pinned().Apply();
        var other = new VmKey(vm.Plan.Vm.Key.Pid, vm.Plan.Vm.Key.StartTime + 1);

        Assert.Empty(Of(vm, CpuSet.Empty, new() { Throttled = new([other]) }));
        var violation = Assert.Single(
            Of(vm, CpuSet.Empty, new() { Throttled = new([vm.Plan.Vm.Key]) })
        );

        Assert.Equal(
            (ViolationKind.Throttled, CpuSet.Parse("0,8")),
            (violation.Kind, violation.Cpus)
        );
        Assert.StartsWith("a CPU limit has held back the container of host/vm1", violation.Message);
    }

    private static IReadOnlyList<Violation> Of(
        VmOutcome vm,
        CpuSet isolated,
        NodeNeighbours neighbours
    ) =>
        NodeViolations.Of(
            [vm],
            new NodeTopology(new Node().Topology.Cpus, isolated: isolated),
            Disagreements.None,
            neighbours
        );
}
