using PinAgent.Model.Cpu;
using PinAgent.Model.Node;
using PinAgent.Model.Vm;
using PinAgent.Plan;
using PinAgent.Report.Violations;
using Xunit;

namespace PinAgent.Tests.Plan.Threads;

/// <summary>
/// A CPU goes offline: the kernel takes it out of the list of online CPUs first, and out of the cpusets a moment later.
/// </summary>
public sealed class OfflineCpuTests
{
    private static readonly GuestTopology Two = new(1, 1, 2);

    [Fact]
    public void Between_the_two_moments_no_pass_fails()
    {
        var vm = Vms.Vm("vm1", "0,8", Two);
        var other = Vms.Vm("vm2", "1,9", Two, pid: 2000);
        var whole = Nodes.Parse("(0,8)(1,9)(2,10)");
        var (before, memory) = NodePlanner.Plan(On(whole), PlanSettings.Default, PlanMemory.None);
        Assert.Equal(["0 8", "1 9"], before.Vms.Select(plan => plan.Vcpus()));

        var left = Nodes.Parse("(8)(1,9)(2,10)");
        var (plan, _) = NodePlanner.Plan(On(left), PlanSettings.Default, memory);

        Assert.Equal(["0 8", "1 9"], plan.Vms.Select(vm => vm.Vcpus()));
        Assert.Empty(SharedCpus.Of(plan.Vms, left));

        NodeSnapshot On(NodeTopology topology) =>
            new(topology, [vm, other], new CpuManagerObservation(CpuManagerState.None, null, []));
    }
}
