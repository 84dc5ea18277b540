using PinAgent.Model.Cpu;
using PinAgent.Model.Node;
using PinAgent.Model.Vm;
using PinAgent.Plan;
using Xunit;

namespace PinAgent.Tests.Plan.Ownership;

/// <summary>Odd things that may happen to a plain host's VMs while the agent runs.</summary>
public sealed class ChangeTests
{
    private static readonly GuestTopology Two = new(1, 1, 2);

    [Fact]
    public void A_VM_that_cannot_be_read_for_a_moment_keeps_its_CPUs()
    {
        var node = Named("a", "b");
        var a = Vms.Vm("a", "0-15", Two).Unconfined();
        Assert.Equal("1 9", node.PassOne(a).Vcpus());

        var plans = node.Pass(
            a with
            {
                Cpuset = null,
            },
            Vms.Vm("b", "0-15", Two, pid: 2000).Unconfined()
        );

        Assert.Equal("3 11", plans[1].Vcpus());
        Assert.Equal("1 9", node.PassOne(a).Vcpus());
    }

    [Fact]
    public void So_does_one_whose_vCPUs_are_not_found_for_a_moment()
    {
        var node = Named("a", "b");
        var a = Vms.Vm("a", "0-15", Two).Unconfined();
        Assert.Equal("1 9", node.PassOne(a).Vcpus());

        var plans = node.Pass(
            a.Without(0).Without(1),
            Vms.Vm("b", "0-15", Two, pid: 2000).Unconfined()
        );

        Assert.Equal("3 11", plans[1].Vcpus());
        Assert.Equal("1 9", node.PassOne(a).Vcpus());
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_CPU_that_comes_online_gives_nobody_the_CPUs_that_were_there_before(bool isNamed)
    {
        var fewer = isNamed ? Named("a", "b") : new Node();
        var small = new Node("(0,8)(1,9)(2,10)(3,11)(4,12)(5,13)(6,14)(7)")
        {
            Settings = fewer.Settings,
        };
        var later = TimeSpan.FromSeconds(10_000);
        small.PassAt(later, On("0-14", "a", 1000), On("0-14", "b", 2000));
        var after = new Node { Settings = fewer.Settings, Known = small.Known };

        var plans = after.PassAt(later, On("0-15", "a", 1000), On("0-15", "b", 2000));

        Assert.All(
            plans,
            plan => Assert.Equal(isNamed ? CpuSource.Chosen : CpuSource.Inherited, plan.Cpus!.Source)
        );

        ObservedVm On(string cpus, string name, int pid) =>
            Vms.Vm(name, cpus, Two, pid).Unconfined() with
            {
                IsOfRoot = true,
            };
    }

    private static Node Named(params string[] names) =>
        new() { Settings = new PlanSettings([.. names.Select(name => new NamedGuest(name))], []) };
}
