using PinAgent.Model.Node;
using PinAgent.Model.Vm;
using PinAgent.Plan;
using Xunit;

namespace PinAgent.Tests.Plan.Dedication;

/// <summary>A process of anybody that calls itself like a guest of a plain host.</summary>
public sealed class ImposterTests
{
    private static readonly GuestTopology Two = new(1, 1, 2);
    private static readonly ObservedVm Real = Vms.Vm("vm1", "0,8", Two);

    // It began before the guest, and took the name later.
    private static readonly ObservedVm Imposter = Vms.Vm("vm1", "0-15", Two, pid: 10) with
    {
        GivenCpuset = null,
    };

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Takes_neither_name_nor_CPUs_from_a_VM_that_is_held(bool isNamed)
    {
        var node = NodeOf(isNamed);
        node.PassOne(Real);

        for (var pass = 0; pass < 3; pass++)
        {
            var plans = node.Pass(Imposter, Real);

            Assert.Equal("host/vm1 placed 0 8", Describe(plans[1]));
            Assert.Equal("host/pid-10", $"{plans[0].Namespace}/{plans[0].Name}");
            Assert.NotNull(plans[0].Obstacle);
            Assert.Equal("- -", plans[0].Vcpus());
            Assert.Contains("may only pose as it", Assert.Single(plans[0].Advisories));
            Assert.Contains("process 1000", plans[0].Advisories[0]);
        }
    }

    [Fact]
    public void Not_even_with_the_same_cpuset_given_to_it()
    {
        var node = NodeOf(isNamed: true);
        node.PassOne(Real);

        var plans = node.Pass(Imposter.On("0,8"), Real);

        Assert.Equal("host/vm1 placed 0 8", Describe(plans[1]));
        Assert.Equal("NotExclusive CpusetOverlaps", plans[0].Standing());
        Assert.Equal("- -", plans[0].Vcpus());
    }

    [Fact]
    public void Nor_from_one_that_may_use_every_CPU_itself()
    {
        var node = NodeOf(isNamed: true);
        var real = Real.On("0-15") with { GivenCpuset = null };
        node.PassOne(real);

        foreach (var imposter in new[] { Imposter, Imposter.On("0,8") })
        {
            var plans = node.Pass(imposter, real);

            Assert.Equal("host/vm1 placed 0 8", Describe(plans[1]));
            Assert.Equal("host/pid-10", $"{plans[0].Namespace}/{plans[0].Name}");
        }
    }

    [Fact]
    public void Nor_by_another_name_that_the_agent_was_told()
    {
        var node = new Node { Settings = new PlanSettings(["vm1", "vm2"], []) };
        var real = Real.On("0-15") with { GivenCpuset = null };
        node.PassOne(real);

        var plans = node.Pass(Imposter with { GuestName = "vm2" }, real);

        // Only one that is named itself gets any, and then others.
        Assert.Equal("host/vm1 placed 0 8", Describe(plans[1]));
        Assert.Equal("host/vm2 placed 1 9", Describe(plans[0]));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Where_none_is_held_yet_a_cpuset_tells(bool isNamed)
    {
        var plans = NodeOf(isNamed).Pass(Imposter, Real);

        Assert.Equal("host/vm1 placed 0 8", Describe(plans[1]));
        Assert.Equal("host/pid-10", $"{plans[0].Namespace}/{plans[0].Name}");
        Assert.Contains("has a cpuset of its own", Assert.Single(plans[0].Advisories));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Where_both_have_one_the_narrower_tells(bool isNamed)
    {
        // The slice in which every user's processes are.
        var plans = NodeOf(isNamed).Pass(Imposter.On("0-7,8"), Real);

        Assert.Equal("host/vm1 placed 0 8", Describe(plans[1]));
        Assert.Contains("narrower", Assert.Single(plans[0].Advisories));
        Assert.NotNull(plans[0].Obstacle);
    }

    [Fact]
    public void And_where_the_cpusets_tell_nothing_the_user_does()
    {
        var real = Real.On("0-15") with { GivenCpuset = null, IsOfRoot = true };

        var plans = NodeOf(isNamed: true).Pass(Imposter, real);

        Assert.Equal("host/vm1 placed 0 8", Describe(plans[1]));
        Assert.Contains("is run by root", Assert.Single(plans[0].Advisories));
    }

    [Fact]
    public void One_in_a_slice_for_all_users_takes_nothing_from_a_guest_without_a_name_of_its_own()
    {
        var node = new Node();
        node.PassOne(Real);

        var plans = node.Pass(Imposter.On("0-8") with { GuestName = "any" }, Real);

        Assert.Equal("host/vm1 placed 0 8", Describe(plans[1]));
        Assert.Equal("NotDedicated CpusetOverlaps", plans[0].Standing());
        Assert.Contains("held for longer", plans[0].Obstacle!.Message);
    }

    [Fact]
    public void A_name_gets_it_no_VMI()
    {
        var node = new Node
        {
            Settings = new PlanSettings(
                [],
                [new("prod", "vm1") { Spec = new() { DedicatedCpuPlacement = true } }]
            ),
        };
        var real = Real with { GuestName = "prod_vm1" };
        node.PassOne(real);

        var plans = node.Pass(Imposter with { GuestName = "prod_vm1" }, real);

        Assert.Equal("prod/vm1 placed 0 8", Describe(plans[1]));
        Assert.Equal(FactSource.Inferred, plans[0].Source);
        Assert.False(plans[0].Dedicated);
    }

    [Fact]
    public void One_that_was_there_first_keeps_the_name_and_no_CPU_from_the_guest()
    {
        var node = NodeOf(isNamed: true);
        node.PassOne(Imposter);

        var plans = node.Pass(Imposter, Real);

        Assert.Equal("host/pid-1000 placed 0 8", Describe(plans[1]));
        Assert.Contains("may only pose as it", Assert.Single(plans[1].Advisories));
    }

    private static Node NodeOf(bool isNamed) =>
        new() { Settings = isNamed ? new PlanSettings(["vm1"], []) : PlanSettings.Default };

    private static string Describe(VmPlan plan) =>
        $"{plan.Namespace}/{plan.Name} {plan.Standing()} {plan.Vcpus()}";
}
