using PinAgent.Model.Cpu;
using PinAgent.Model.Node;
using PinAgent.Model.Vm;
using PinAgent.Tests.Plan.Birth;
using Xunit;

namespace PinAgent.Tests.Plan.Threads;

/// <summary>When virt-handler's <c>housekeeping</c> tells which CPUs are the emulator's, and when it tells nothing.</summary>
public sealed class HousekeepingTests
{
    // As virt-handler makes it, before it writes it; and as cgroup v2 shows it once the VM's cpuset has moved away from it.
    [Theory]
    [InlineData(1, false, "0-1", "0-1")]
    [InlineData(2, false, "0-2", "0-2")]
    [InlineData(2, false, "0-2", "1-2")]
    [InlineData(2, true, "0-3", "0-3")]
    [InlineData(2, true, "0-3", "1-3")]
    [InlineData(2, false, "0-2", "")]
    [InlineData(2, false, "0-2", "7")]
    [InlineData(1, false, "0-1", "1-2")]
    public void A_group_that_cannot_be_the_emulators_alone_says_nothing(
        int vcpus,
        bool evenParity,
        string cpuset,
        string group
    )
    {
        var vm = Vm(cpuset, vcpus);
        var expected = With(evenParity).PassOne(vm);

        var plan = With(evenParity).PassOne(vm with { Housekeeping = CpuSet.Parse(group) });

        Assert.Equal("placed", plan.Standing());
        Assert.Equal(expected.Vcpus(), plan.Vcpus());
        Assert.Equal(expected.Emulator(), plan.Emulator());
        Assert.Empty(
            plan.Advisories.Where(said => group == cpuset && said.Contains("housekeeping"))
        );
    }

    [Theory]
    [InlineData(2, false, "0-2", "0", "1 2")]
    [InlineData(2, true, "0-3", "0,2", "1 3")]
    [InlineData(1, false, "0-1", "0", "1")]
    public void A_group_as_large_as_the_emulators_share_is_the_emulators(
        int vcpus,
        bool evenParity,
        string cpuset,
        string group,
        string expected
    )
    {
        var plan = With(evenParity)
            .PassOne(Vm(cpuset, vcpus) with { Housekeeping = CpuSet.Parse(group) });

        Assert.Equal((expected, group), (plan.Vcpus(), plan.Emulator()));
    }

    [Theory]
    [InlineData("0-1", "0-1", 2)]
    [InlineData("0-1", "1", 2)]
    [InlineData("0-1", "0-1", 1)]
    public void Without_a_VMI_a_group_that_leaves_the_vCPUs_too_few_says_nothing(
        string cpuset,
        string group,
        int vcpus
    )
    {
        var plan = new Node().PassOne(
            Vm(cpuset, vcpus) with
            {
                Housekeeping = CpuSet.Parse(group),
            }
        );

        Assert.Equal("placed", plan.Standing());
    }

    [Fact]
    public void Drift_is_repaired_while_the_group_says_nothing()
    {
        var node = With(evenParity: false);
        var vm = Vm("0-1", 1);
        var first = node.PassOne(vm);
        var moved = vm.After(first).On("2-3") with { Housekeeping = CpuSet.Parse("2-3") };
        Assert.Equal(("2", "3"), (node.PassOne(moved).Vcpus(), node.PassOne(moved).Emulator()));

        var plan = node.PassOne(moved.Running("3", emulator: "2-3"));

        Assert.Equal(("placed", "2", "3"), (plan.Standing(), plan.Vcpus(), plan.Emulator()));
        Assert.Contains(plan.Threads, thread => thread.HasStrayMask);
    }

    [Fact]
    public void A_group_that_comes_to_tell_what_is_held_changes_nothing()
    {
        var node = With(evenParity: false);
        var vm = Vm("0-1", 1);
        var held = node.PassOne(vm);

        var copied = node.PassOne(vm.After(held) with { Housekeeping = CpuSet.Parse("0-1") });
        var written = node.PassOne(vm.After(held) with { Housekeeping = CpuSet.Parse("1") });

        Assert.Same(held.Placement, copied.Placement);
        Assert.Same(held.Placement, written.Placement);
    }

    private static ObservedVm Vm(string cpuset, int vcpus) =>
        Vms.Vm("default_vm1", cpuset, new GuestTopology(1, vcpus, 1));

    private static Node With(bool evenParity) =>
        new("(0)(1)(2)(3)(4)(5)(6)(7)")
        {
            Settings = new PlanSettings([], [BornGuest.Vmi(isolates: true, evenParity)]),
        };
}
