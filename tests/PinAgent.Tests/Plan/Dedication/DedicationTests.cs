using PinAgent.Model.Cpu;
using PinAgent.Model.Node;
using PinAgent.Model.Vm;
using Xunit;

namespace PinAgent.Tests.Plan.Dedication;

/// <summary>Which VMs of a plain host are the agent's to pin.</summary>
public sealed class DedicationTests
{
    private static readonly GuestTopology Two = new(1, 1, 2);

    [Fact]
    public void A_VM_with_a_cpuset_of_its_own_is_dedicated()
    {
        var plan = new Node().PassOne(Vms.Vm("vm1", "0,8", Two));

        Assert.True(plan.Dedicated);
        Assert.Equal("placed", plan.Standing());
        Assert.Equal(FactSource.Inferred, plan.Source);
    }

    [Fact]
    public void A_VM_that_may_use_every_CPU_is_not_even_if_that_was_given()
    {
        var inherited = Vms.Vm("vm1", "0-15", Two) with { GivenCpuset = null };
        var given = Vms.Vm("vm1", "0-15", Two);
        var withOfflineCpus = given with { GivenCpuset = CpuSet.Parse("0-31") };

        foreach (var vm in new[] { inherited, given, withOfflineCpus })
        {
            var plan = new Node().PassOne(vm);

            Assert.False(plan.Dedicated);
            Assert.Equal("NotDedicated NoCpusetOfItsOwn", plan.Standing());
            Assert.Equal("- -", plan.Vcpus());
        }
    }

    [Fact]
    public void An_effective_set_that_nobody_gave_does_not_count() =>
        Assert.Equal(
            "NotDedicated NoCpusetOfItsOwn",
            new Node().PassOne(Vms.Vm("vm1", "0,8", Two) with { GivenCpuset = null }).Standing()
        );

    [Fact]
    public void Of_two_VMs_whose_cpusets_overlap_neither_is()
    {
        var plans = new Node().Pass(
            Vms.Vm("vm1", "0-1,8-9", Two),
            Vms.Vm("vm2", "1-2,9-10", Two, pid: 2000),
            Vms.Vm("vm3", "3,11", Two, pid: 3000)
        );

        Assert.Equal("NotDedicated CpusetOverlaps", plans[0].Standing());
        Assert.Equal("NotDedicated CpusetOverlaps", plans[1].Standing());
        Assert.Equal("placed", plans[2].Standing());
        Assert.Contains("1,9", plans[0].Obstacle!.Message);
        Assert.Contains("vm2", plans[0].Obstacle!.Message);
    }

    [Fact]
    public void A_QEMU_that_may_use_every_CPU_takes_nothing_from_the_others()
    {
        var plans = new Node().Pass(
            Vms.Vm("everywhere", "0-15", Two) with
            {
                GivenCpuset = null,
            },
            Vms.Vm("vm2", "1,9", Two, pid: 2000)
        );

        Assert.Equal("NotDedicated NoCpusetOfItsOwn", plans[0].Standing());
        Assert.Equal("placed", plans[1].Standing());
    }

    [Fact]
    public void A_cpuset_too_small_for_the_vCPUs_was_not_meant_for_pinning()
    {
        var plan = new Node().PassOne(Vms.Vm("vm1", "0-2", new GuestTopology(1, 2, 2)));

        Assert.False(plan.Dedicated);
        Assert.Equal("NotDedicated CpusetTooSmall", plan.Standing());
    }

    [Theory]
    [InlineData("0-1,8-9", 4, "0-1,8-9", "no CPU beyond the vCPUs: not isolated")]
    [InlineData("0-2,8-9", 4, "2", "one more: the emulator's")]
    [InlineData("0-2,8-10", 4, "2,10", "two more than an even number: both")]
    [InlineData("0-1,8-10", 3, "9", "two more than an odd number: one")]
    [InlineData("0-3,8-10", 4, "3", "three more: one, and CPU 3 is a fragment")]
    public void Without_a_VMI_the_CPUs_beyond_the_vCPUs_tell_the_emulators(
        string cpuset,
        int vcpus,
        string emulator,
        string why
    )
    {
        var threads = vcpus % 2 == 0 ? 2 : 1;
        var guest = new GuestTopology(1, vcpus / threads, threads);

        var plan = new Node().PassOne(Vms.Vm("vm1", cpuset, guest));

        Assert.True(
            emulator == plan.Emulator(),
            $"{why}: expected {emulator}, found {plan.Emulator()}"
        );
    }

    [Fact]
    public void Nothing_is_inferred_of_the_emulator_of_a_VM_that_is_not_dedicated()
    {
        var plan = new Node().PassOne(Vms.Vm("vm1", "0-15", Two) with { GivenCpuset = null });

        Assert.False(plan.IsolateEmulatorThread);
    }

    [Fact]
    public void Named_guests_are_dedicated_whatever_cpuset_they_have_and_no_others_are()
    {
        var node = new Node { Settings = new PlanSettings(["vm1"], []) };

        var plans = node.Pass(
            Vms.Vm("vm1", "0-15", Two) with
            {
                GivenCpuset = null,
            },
            Vms.Vm("vm2", "1,9", Two, pid: 2000)
        );

        Assert.Equal("placed", plans[0].Standing());
        // Of those that the other hasn't, and without the core of CPU 0.
        Assert.Equal("2 10", plans[0].Vcpus());
        Assert.False(plans[1].Dedicated);
        Assert.Equal("NotDedicated NotNamed", plans[1].Standing());
    }

    [Theory]
    [InlineData("prod_vm1")]
    [InlineData("prod/vm1")]
    public void A_guest_in_a_pod_can_be_named_by_QEMUs_name_or_by_namespace_and_name(string name)
    {
        var node = new Node { Settings = new PlanSettings([name], []) };

        Assert.True(node.PassOne(Vms.Vm("prod_vm1", "0,8", Two).InPod("u1")).Dedicated);
    }

    [Fact]
    public void Two_named_VMs_that_share_CPUs_are_not_exclusive()
    {
        var node = new Node { Settings = new PlanSettings(["vm1", "vm2"], []) };

        var plans = node.Pass(
            Vms.Vm("vm1", "0-1,8-9", Two),
            Vms.Vm("vm2", "0-1,8-9", Two, pid: 2000)
        );

        Assert.All(plans, plan => Assert.Equal("NotExclusive CpusetOverlaps", plan.Standing()));
        Assert.All(plans, plan => Assert.True(plan.Dedicated));
        Assert.Contains("host/vm2 (pid 2000)", plans[0].Obstacle!.Message);
        Assert.Contains("host/vm1 (pid 1000)", plans[1].Obstacle!.Message);
    }

    [Fact]
    public void A_VM_on_the_kubelets_shared_pool_is_not_exclusive()
    {
        var node = new Node { SharedPool = "0-3,8-11" };

        Assert.Equal(
            "NotExclusive CpusetIsSharedPool",
            node.PassOne(Vms.Vm("vm1", "0-3,8-11", Two)).Standing()
        );
        Assert.Equal("placed", node.PassOne(Vms.Vm("vm1", "4,12", Two)).Standing());
    }

    [Fact]
    public void A_dedicated_VM_whose_cpuset_cannot_be_read_waits()
    {
        var node = new Node { Settings = new PlanSettings(["vm1"], []) };

        var plan = node.PassOne(Vms.Vm("vm1", null, Two));

        Assert.Equal("Waiting CpusetUnreadable", plan.Standing());
    }

    [Theory]
    [InlineData(Reason.VcpuThreadsStarting, "Waiting VcpuThreadsStarting")]
    [InlineData(Reason.VcpuThreadsAmbiguous, "Waiting VcpuThreadsAmbiguous")]
    [InlineData(Reason.VcpusShareOneThread, "Refused VcpusShareOneThread")]
    public void A_VM_that_cannot_be_understood_does_not_hold_up_the_others(
        Reason problem,
        string standing
    )
    {
        var broken = Vms.Vm("vm1", "0,8", Two) with { Problem = Standing.Unclear(problem, "why") };

        var plans = new Node().Pass(broken, Vms.Vm("vm2", "1,9", Two, pid: 2000));

        Assert.Equal(standing, plans[0].Standing());
        Assert.Equal("why", plans[0].Obstacle!.Message);
        Assert.Equal("1 9", plans[1].Vcpus());
    }

    [Fact]
    public void A_VM_that_cannot_be_placed_does_not_hold_up_the_others()
    {
        // CPU 99 is in no topology: the cpuset was read before the CPU went offline.
        var plans = new Node().Pass(
            Vms.Vm("vm1", "0,99", Two),
            Vms.Vm("vm2", "1,9", Two, pid: 2000)
        );

        Assert.Equal("Refused UnknownCpu", plans[0].Standing());
        Assert.Equal("- -", plans[0].Vcpus());
        Assert.Equal("1 9", plans[1].Vcpus());
    }
}
