using PinAgent.Model.Node;
using PinAgent.Model.Vm;
using PinAgent.Plan;
using Xunit;

namespace PinAgent.Tests.Plan.Birth;

/// <summary>Which masks of a VM, at first sight and after its cpuset changed, are a placement that is kept.</summary>
public sealed class FoundPlacementTests
{
    // In cpuset 0-2, two vCPUs, the emulator isolated by the VMI: the policy gives 0, 1 and 2.
    [Theory]
    [InlineData("2 1", "0", "2 1", "0")]
    [InlineData("1 0", "2", "1 0", "2")]
    [InlineData("1 2", "2", "0 1", "2")]
    [InlineData("2 1", "2", "0 1", "2")]
    [InlineData("2 1", "0-2", "0 1", "2")]
    [InlineData("2 1", "0-1", "0 1", "2")]
    [InlineData("1 1", "2", "0 1", "2")]
    public void Where_a_VMI_isolates_the_emulator_it_must_be_apart(
        string vcpus,
        string emulator,
        string expected,
        string expectedEmulator
    )
    {
        var node = new Node("(0)(1)(2)(3)")
        {
            Settings = new PlanSettings([], [BornGuest.Vmi(isolates: true)]),
        };

        var plan = node.PassOne(Vm("0-2", 2).Running(vcpus, emulator));

        Assert.Equal((expected, expectedEmulator), (plan.Vcpus(), plan.Emulator()));
    }

    // Whoever gave each vCPU a CPU and said nothing of the emulator wished no isolation: the vCPUs stay.
    [Theory]
    [InlineData("2 1", "0-2", "2 1", "0")]
    [InlineData("2 1", "0", "2 1", "0")]
    [InlineData("1 2", "2", "0 1", "2")]
    public void Where_isolation_is_inferred_no_vCPU_may_have_the_emulators_mask(
        string vcpus,
        string emulator,
        string expected,
        string expectedEmulator
    )
    {
        var plan = new Node("(0)(1)(2)(3)").PassOne(Vm("0-2", 2).Running(vcpus, emulator));

        Assert.Equal((expected, expectedEmulator), (plan.Vcpus(), plan.Emulator()));
    }

    [Theory]
    [InlineData("0-1", "1", "1", "0")]
    [InlineData("0-1", "1", "0-1", "1")]
    [InlineData("1", "1", "1", "1")]
    public void Where_the_emulator_is_not_isolated_a_vCPU_with_its_mask_was_not_placed(
        string cpuset,
        string vcpu,
        string emulator,
        string expected
    )
    {
        var node = new Node("(0)(1)(2)(3)")
        {
            Settings = new PlanSettings([], [BornGuest.Vmi(isolates: false)]),
        };

        var plan = node.PassOne(Vm(cpuset, 1).Running(vcpu, emulator));

        Assert.Equal((expected, cpuset), (plan.Vcpus(), plan.Emulator()));
    }

    [Fact]
    public void Where_the_kernel_has_given_the_masks_back_itself_nothing_is_moved()
    {
        // Linux from 6.2 on remembers what a thread asked for, and gives it back once its cpuset has it again.
        var node = new Node("(0)(1)(2)(3)");
        var vm = Vm("0-1", 1);
        var pinned = vm.After(node.PassOne(vm));
        Assert.Equal("1", node.PassOne(pinned.On("1").Running("1", emulator: "1")).Vcpus());

        var plan = node.PassOne(pinned);

        Assert.Equal(("0", "1"), (plan.Vcpus(), plan.Emulator()));
        Assert.DoesNotContain(plan.Threads, thread => thread.IsStray);
    }

    [Theory]
    [InlineData("1", "1")]
    [InlineData("0-1", "0-1")]
    public void Where_it_has_not_the_vCPU_stays_where_it_is_held(string vcpu, string emulator)
    {
        var node = new Node("(0)(1)(2)(3)");
        var vm = Vm("0-1", 1);
        node.PassOne(vm);
        node.PassOne(vm.On("1").Running("1", emulator: "1"));

        var plan = node.PassOne(vm.Running(vcpu, emulator));

        Assert.Equal(("1", "0"), (plan.Vcpus(), plan.Emulator()));
    }

    [Fact]
    public void A_thread_that_has_come_since_the_last_look_is_new_and_others_have_strayed()
    {
        var node = new Node("(0)(1)(2)(3)");
        var vm = Vm("0-1", 1);
        var pinned = vm.After(node.PassOne(vm));
        var pit = Vms.Thread(5000, ThreadRole.KvmPit, null, vm.Cpuset);

        var plan = node.PassOne(pinned.Running("0", emulator: "0-1").With(pit));

        Assert.Equal("5000", Tids(plan.Threads.Where(thread => thread.IsNew)));
        Assert.Equal("1000 1001 5000", Tids(plan.Threads.Where(thread => thread.IsStray)));
        Assert.DoesNotContain(node.PassOne(pinned.With(pit)).Threads, thread => thread.IsNew);

        // Another thread with the same id.
        var next = pinned.With(pit with { StartTime = 1 });
        Assert.Equal("5000", Tids(node.PassOne(next).Threads.Where(thread => thread.IsNew)));
    }

    private static string Tids(IEnumerable<PlannedThread> threads) =>
        string.Join(' ', threads.Select(thread => thread.Thread.Tid));

    private static ObservedVm Vm(string cpuset, int vcpus) =>
        Vms.Vm("default_vm1", cpuset, new GuestTopology(1, vcpus, 1));
}
