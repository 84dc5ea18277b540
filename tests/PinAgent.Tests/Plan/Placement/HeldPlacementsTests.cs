using PinAgent.Model.Node;
using PinAgent.Model.Vm;
using Xunit;

namespace PinAgent.Tests.Plan.Placement;

/// <summary>What becomes of a placement from pass to pass: adopted, held, moved as little as possible.</summary>
public sealed class HeldPlacementsTests
{
    private static readonly GuestTopology Four = new(1, 2, 2);
    private static readonly ObservedVm Vm = Vms.Vm("vm1", "0-1,8-9", Four);

    [Fact]
    public void A_new_VM_is_placed_by_the_policy() =>
        Assert.Equal("0 8 1 9", new Node().PassOne(Vm).Vcpus());

    [Fact]
    public void A_VM_found_validly_placed_stays_where_it_is()
    {
        var node = new Node();
        var found = Vm.Running("9 1 8 0");

        var plan = node.PassOne(found);

        Assert.Equal("9 1 8 0", plan.Vcpus());
        Assert.Equal("9 1 8 0", node.PassOne(found.After(plan)).Vcpus());
    }

    [Theory]
    [InlineData("0 0 8 9", "two share a CPU")]
    [InlineData("9 1 8 15", "one is outside the cpuset")]
    [InlineData("9 1 8 0-1", "one is nowhere in particular")]
    [InlineData("0-1,8-9 0-1,8-9 0-1,8-9 0-1,8-9", "nobody is anywhere")]
    public void A_VM_found_half_placed_is_placed_as_virt_launcher_would(string found, string why)
    {
        var plan = new Node().PassOne(Vm.Running(found));

        Assert.True(plan.Vcpus() == "0 8 1 9", $"{why}: found {plan.Vcpus()}");
    }

    [Theory]
    [InlineData("0-1,8-9", "0 8 1 9")]
    [InlineData("0-2,8-9", "0 8 1 9")]
    [InlineData("0-2,8,10", "0 8 2 10")]
    public void A_VM_met_while_virt_launcher_is_pinning_it_comes_to_virt_launchers_end(
        string cpuset,
        string launchers
    )
    {
        // Whichever vCPUs it has done by then.
        var cpus = launchers.Split(' ');
        for (var done = 0; done < 16; done++)
        {
            var found = cpus.Select((cpu, i) => (done & (1 << i)) != 0 ? cpu : cpuset);
            var vm = Vm.On(cpuset).Running(string.Join(' ', found));

            Assert.Equal(launchers, new Node().PassOne(vm).Vcpus());
        }
    }

    [Theory]
    [InlineData("0-1,8-9 0-1,8-9 0-1,8-9 0-1,8-9")]
    [InlineData("0-15 8 1 9")]
    [InlineData("9 1 8 0")]
    [InlineData("0 0 0 0")]
    public void Any_other_mask_is_drift_and_put_back(string drifted)
    {
        var node = new Node();
        node.PassOne(Vm);

        Assert.Equal("0 8 1 9", node.PassOne(Vm.Running(drifted)).Vcpus());
    }

    [Fact]
    public void An_adopted_placement_is_the_reference_too()
    {
        var node = new Node();
        node.PassOne(Vm.Running("9 1 8 0"));

        Assert.Equal("9 1 8 0", node.PassOne(Vm.Running("0 8 1 9")).Vcpus());
    }

    [Theory]
    [InlineData(Reason.VcpuThreadsStarting)]
    [InlineData(Reason.Unreadable)]
    public void A_pass_in_which_the_VM_could_not_be_read_does_not_forget_its_placement(
        Reason reason
    )
    {
        var node = new Node();
        node.PassOne(Vm);
        node.PassOne(Vm with { Problem = Standing.Unclear(reason, "not now") });

        Assert.Equal("0 8 1 9", node.PassOne(Vm.Running("9 1 8 0")).Vcpus());
    }

    [Fact]
    public void A_pass_in_which_the_cpuset_could_not_be_read_does_not_forget_its_placement()
    {
        var node = new Node();
        node.PassOne(Vm);

        Assert.Equal(
            "Waiting CpusetUnreadable",
            node.PassOne(Vm with { Cpuset = null }).Standing()
        );
        Assert.Equal("0 8 1 9", node.PassOne(Vm.Running("9 1 8 0")).Vcpus());
    }

    [Fact]
    public void A_VM_that_is_no_longer_dedicated_is_forgotten()
    {
        var node = new Node();
        node.PassOne(Vm);
        node.PassOne(Vm with { GivenCpuset = null });

        Assert.Equal("9 1 8 0", node.PassOne(Vm.Running("9 1 8 0")).Vcpus());
    }

    [Fact]
    public void A_pass_in_which_another_VM_overlaps_it_does_not_forget_its_placement()
    {
        // The kubelet reuses CPUs for seconds while it admits pods again.
        var node = new Node { Settings = new PlanSettings(["vm1", "vm2"], []) };
        var other = Vms.Vm("vm2", "1-2", new GuestTopology(1, 1, 1), pid: 2000);
        node.Pass(Vm);

        Assert.Equal("NotExclusive CpusetOverlaps", node.Pass(Vm, other)[0].Standing());
        Assert.Equal("0 8 1 9", node.Pass(Vm.Running("9 1 8 0"), other.On("2"))[0].Vcpus());
    }

    [Fact]
    public void Another_process_with_the_same_id_is_another_VM()
    {
        var node = new Node();
        node.PassOne(Vm);
        var other = Vm.Running("9 1 8 0") with { Key = new VmKey(Vms.FirstPid, 1) };

        Assert.Equal("9 1 8 0", node.PassOne(other).Vcpus());
    }

    [Fact]
    public void A_VM_that_ended_is_forgotten()
    {
        var node = new Node();
        node.PassOne(Vm);
        node.Pass();

        Assert.Equal("9 1 8 0", node.PassOne(Vm.Running("9 1 8 0")).Vcpus());
    }

    [Fact]
    public void A_cpuset_that_grows_moves_no_vCPU()
    {
        var node = new Node();
        var plan = node.PassOne(Vm);

        var grown = node.PassOne(Vm.After(plan).On("0-3,8-11"));

        Assert.Equal("0 8 1 9", grown.Vcpus());
    }

    [Fact]
    public void A_cpuset_that_moves_moves_only_those_that_lost_their_CPU()
    {
        var node = new Node();
        var plan = node.PassOne(Vm);

        var moved = node.PassOne(Vm.After(plan).On("1-2,9-10"));

        Assert.Equal("2 10 1 9", moved.Vcpus());
    }

    [Fact]
    public void A_cpuset_written_anew_after_the_kubelets_restart_is_followed_though_every_vCPU_floats()
    {
        // Measured: 8-13 became 2-7, and the kernel let every vCPU float over the new set.
        var node = new Node("(0)(1)(2)(3)(4)(5)(6)(7)(8)(9)(10)(11)(12)(13)(14)(15)");
        var vm = Vms.Vm("vm1", "8-13", new GuestTopology(6, 1, 1));
        Assert.Equal("8 9 10 11 12 13", node.PassOne(vm).Vcpus());

        var floating = Vms.Vm("vm1", "2-7", new GuestTopology(6, 1, 1));

        Assert.Equal("2 3 4 5 6 7", node.PassOne(floating).Vcpus());
    }

    [Fact]
    public void A_cpuset_that_comes_back_after_it_was_too_small_finds_the_VM_where_it_was()
    {
        var node = new Node { Settings = new PlanSettings(["vm1"], []) };
        node.PassOne(Vm.Running("9 1 8 0"));

        Assert.Equal("Refused NotEnoughCpus", node.PassOne(Vm.On("0-1")).Standing());
        Assert.Equal("9 1 8 0", node.PassOne(Vm.On("0-1,8-9")).Vcpus());
    }
}
