using PinAgent.Model.Cpu;
using PinAgent.Model.Node;
using PinAgent.Model.Vm;
using Xunit;

namespace PinAgent.Tests.Plan.Threads;

/// <summary>vCPUs that come and go while the guest runs.</summary>
public sealed class HotplugTests
{
    private static readonly GuestTopology Eight = new(4, 1, 2);

    [Fact]
    public void Only_the_vCPUs_that_exist_are_placed_by_their_order()
    {
        var plan = NewNode().PassOne(Vms.Vm("vm1", "0-3,8-11", Eight, boot: 4));

        Assert.Equal("0 8 1 9", plan.Vcpus());
        Assert.Equal(new GuestTopology(2, 1, 2), plan.Guest);
    }

    [Fact]
    public void A_vCPU_that_is_plugged_in_gets_a_CPU_and_the_others_stay()
    {
        var node = NewNode();
        var vm = Vms.Vm("vm1", "0-3,8-11", Eight, boot: 4);
        var before = node.PassOne(vm.Running("3 11 2 10")).Vcpus();

        var after = node.PassOne(
            vm.Running("3 11 2 10")
                .With(Vms.Thread(1014, ThreadRole.Vcpu, 4, CpuSet.Parse("0-3,8-11")))
                .With(Vms.Thread(1015, ThreadRole.Vcpu, 5, CpuSet.Parse("0-3,8-11")))
        );

        Assert.Equal("3 11 2 10", before);
        Assert.Equal("3 11 2 10 0 8", after.Vcpus());
        Assert.Equal(new GuestTopology(3, 1, 2), after.Guest);
    }

    [Fact]
    public void A_new_vCPU_that_inherited_its_creators_CPU_moves_not_the_creator()
    {
        var node = NewNode();
        var vm = Vms.Vm("vm1", "0-3,8-11", Eight, boot: 2);
        node.PassOne(vm);

        var after = node.PassOne(
            vm.Running("0 8").With(Vms.Thread(1014, ThreadRole.Vcpu, 2, CpuSet.Of(0)))
        );

        // CPU 1 is the inferred emulator's by then.
        Assert.Equal("0 8 9", after.Vcpus());
    }

    [Fact]
    public void After_an_unplug_the_others_stay_whatever_their_numbers_are()
    {
        var node = NewNode();
        var vm = Vms.Vm("vm1", "0-1,8-9", new GuestTopology(4, 1, 1));
        Assert.Equal("0 1 8 9", Sorted(node.PassOne(vm.Running("0 1 8 9")).Vcpus()));

        // vCPU 1 is gone: 0, 2 and 3 are left.
        var after = node.PassOne(vm.Running("0 1 8 9").Without(1));

        Assert.Equal("0 8 9", after.Vcpus());
        Assert.Equal(3, after.Guest.Vcpus);
    }

    [Fact]
    public void After_an_unplug_drift_is_put_back_by_number()
    {
        var node = NewNode();
        var vm = Vms.Vm("vm1", "0-1,8-9", new GuestTopology(4, 1, 1)).Running("0 1 8 9");
        node.PassOne(vm);
        node.PassOne(vm.Without(1));

        Assert.Equal("0 8 9", node.PassOne(vm.Without(1).Running("9 8 0")).Vcpus());
    }

    [Fact]
    public void A_vCPU_plugged_into_a_gap_gets_the_CPU_that_is_free()
    {
        var node = NewNode();
        var vm = Vms.Vm("vm1", "0-1,8-9", new GuestTopology(4, 1, 1)).Running("0 1 8 9");
        node.PassOne(vm.Without(1));

        var after = node.PassOne(vm.Running("0 0-1,8-9 8 9"));

        Assert.Equal("0 1 8 9", after.Vcpus());
    }

    [Fact]
    public void Of_a_swap_the_vCPU_that_is_new_gets_the_CPU_of_the_one_that_went()
    {
        var node = NewNode();
        var vm = Vms.Vm("vm1", "0,8", new GuestTopology(3, 1, 1)).Running("0 8 0,8");
        node.PassOne(vm.Without(2));

        Assert.Equal("8 0", node.PassOne(vm.Without(0)).Vcpus());
    }

    [Fact]
    public void Without_a_VMI_a_vCPU_that_goes_leaves_its_CPU_to_the_emulator_until_it_is_back()
    {
        var node = NewNode();
        var vm = Vms.Vm("vm1", "0-1,8-9", new GuestTopology(4, 1, 1)).Running("0 1 8 9");

        Assert.Equal("0-1,8-9", node.PassOne(vm).Emulator());
        Assert.Equal("1", node.PassOne(vm.Without(1)).Emulator());
        Assert.Equal("0-1,8-9", node.PassOne(vm).Emulator());
    }

    [Fact]
    public void A_count_that_is_no_multiple_of_the_threads_is_placed_all_the_same()
    {
        var plan = NewNode().PassOne(Vms.Vm("odd", "0-3,8-11", Eight, pid: 4000, boot: 3));

        Assert.Equal("0 8 1", plan.Vcpus());
        Assert.Equal(new GuestTopology(1, 3, 1), plan.Guest);
    }

    private static Node NewNode() => new() { Settings = new PlanSettings(["vm1", "odd"], []) };

    private static string Sorted(string cpus) =>
        string.Join(' ', cpus.Split(' ').Select(int.Parse).Order());
}
