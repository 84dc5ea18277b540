using PinAgent.Apply.AtOnce;
using PinAgent.Model.Cpu;
using PinAgent.Model.Vm;
using PinAgent.Plan.Contests;
using Xunit;

namespace PinAgent.Tests.Plan.Contests;

/// <summary>
/// A VM that begins at the machine's boot, and its manager, which sets masks one after another when the agent has set its own:
/// the clock of the tests is the VM's age. That libvirt does so at a guest's birth was seen in tests/fixtures/birth.
/// </summary>
public sealed class ManagerAtWorkTests
{
    private const string Ours = "0 8 1 9";

    private readonly FoughtVm _vm = new(
        Vms.Vm("vm1", "0-1,8-9", new GuestTopology(1, 2, 2)) with
        {
            Key = new VmKey(Vms.FirstPid, 0),
        }
    );

    [Fact]
    public void Its_placement_replaces_ours_at_once_and_is_held_from_then_on()
    {
        foreach (var step in new[] { "9 8 1 9", "9 1 1 9", "9 1 8 9" })
        {
            _vm.Set(step);
            Assert.Equal(VmState.Pinned, _vm.Look(0.1).State);
            Assert.Equal(step, _vm.Vcpus);
        }

        _vm.Set("9 1 8 0");
        var adopted = _vm.Pass(0.1);

        Assert.StartsWith("its manager has placed it otherwise as it began", adopted.Plan.Adopted);
        Assert.Equal(0, _vm.Writes);
        Assert.Equal(Contest.None, _vm.Contests.Of(_vm.Vm.Key));
        // Not even told again, and held when it's drift.
        Assert.Null(_vm.Pass(0.1).Plan.Adopted);
        _vm.Set(Ours);
        _vm.Look(10);
        Assert.Equal("9 1 8 0", _vm.Vcpus);
    }

    [Fact]
    public void What_comes_to_nothing_within_a_second_is_put_back()
    {
        _vm.Set("1 8 1 9");
        _vm.Look(0.1);
        _vm.Look(0.9);
        Assert.Equal("1 8 1 9", _vm.Vcpus);

        _vm.Look(0.2);

        Assert.Equal(Ours, _vm.Vcpus);
    }

    [Fact]
    public void Whoever_goes_on_is_waited_for_but_not_beyond_the_VMs_first_seconds()
    {
        for (var i = 0; i < 8; i++)
        {
            _vm.Set(i % 2 == 0 ? "1 8 1 9" : "8 8 1 9");
            _vm.Look(0.45);
            Assert.Equal(0, _vm.Writes);
        }

        _vm.Set("1 8 1 9");
        _vm.Look(0.9);

        Assert.Equal(Ours, _vm.Vcpus);
    }

    [Theory]
    [InlineData("0-1,8-9 0-1,8-9 0-1,8-9 0-1,8-9")]
    [InlineData("0-1 8 1 9")]
    public void Masks_of_many_CPUs_are_no_placement_and_put_back_at_once(string set)
    {
        _vm.Set(set);
        _vm.Look(0.1);

        Assert.Equal(Ours, _vm.Vcpus);
    }

    [Fact]
    public void A_vCPU_that_is_set_to_the_emulators_own_CPU_is_put_back_at_once()
    {
        var vm = new FoughtVm(
            Vms.Vm("vm1", "0-1,8", new GuestTopology(1, 1, 2)) with
            {
                Key = new VmKey(Vms.FirstPid, 0),
            }
        );
        Assert.Equal("0 8", vm.Vcpus);

        vm.Set("1 8");
        vm.Look(0.1);

        Assert.Equal("0 8", vm.Vcpus);
    }

    [Fact]
    public void Where_it_has_made_cgroups_for_threads_these_say_what_it_wants_and_drift_is_drift()
    {
        var vcpu = _vm.Vm.Threads.First(thread => thread.Role == ThreadRole.Vcpu);
        Assert.True(ManagerAtWork.MayBe(_vm.Vm, TimeSpan.FromSeconds(1)));

        Assert.False(
            ManagerAtWork.MayBe(
                _vm.Vm.With(vcpu with { OwnCpuset = CpuSet.Of(0) }),
                TimeSpan.FromSeconds(1)
            )
        );
    }

    [Fact]
    public void Met_half_way_between_our_pins_and_its_own_it_is_waited_for_a_second_and_then_placed()
    {
        var vm = _vm.Vm.Running("1 8 1 9");
        var node = new Node();
        var early = node.PassAt(TimeSpan.FromSeconds(1), vm)[0];
        Assert.Equal("Waiting VcpuThreadsStarting", early.Standing());

        // It goes on, and comes to its end.
        vm = _vm.Vm.Running("1 0 1 9");
        Assert.Equal(
            "Waiting VcpuThreadsStarting",
            node.PassAt(TimeSpan.FromSeconds(1.9), vm)[0].Standing()
        );
        vm = _vm.Vm.Running("1 0 8 9");
        Assert.Equal("1 0 8 9", node.PassAt(TimeSpan.FromSeconds(2.8), vm)[0].Vcpus());

        // Or it doesn't.
        node = new Node();
        vm = _vm.Vm.Running("1 8 1 9");
        node.PassAt(TimeSpan.FromSeconds(1), vm);
        Assert.Equal("0 8 1 9", node.PassAt(TimeSpan.FromSeconds(2), vm)[0].Vcpus());
    }

    [Theory]
    [InlineData("9 0-1,8-9 0-1,8-9 0-1,8-9")] // it has just begun, and is quicker than the pass
    [InlineData("9 1 0-1,8-9 0-1,8-9")]
    public void Met_before_we_had_pinned_all_it_is_waited_for_too(string masks)
    {
        var node = new Node();
        var early = node.PassAt(TimeSpan.FromSeconds(1), _vm.Vm.Running(masks))[0];
        Assert.Equal("Waiting VcpuThreadsStarting", early.Standing());

        var done = node.PassAt(TimeSpan.FromSeconds(1.1), _vm.Vm.Running("9 1 8 0"))[0];
        Assert.Equal("9 1 8 0", done.Vcpus());
    }

    [Fact]
    public void Of_a_VM_that_has_begun_what_another_program_sets_between_the_look_and_the_pin_stands()
    {
        var vm = new FoughtVm(_vm.Vm);
        vm.Set("0-1,8-9 8 1 9");
        vm.AfterLook = () => vm.Set("9 8 1 0");

        Assert.Equal(Reason.VcpuThreadsStarting, vm.Look(0.1).Reason);
        Assert.Equal("9 8 1 0", vm.Vcpus);
        vm.AfterLook = () => { };
        Assert.Equal(VmState.Pinned, vm.Look(0.1).State);
        Assert.Equal("9 8 1 0", vm.Vcpus);

        // Later it's drift.
        vm.Set("0-1,8-9 8 1 0");
        vm.AfterLook = () => vm.Set("1 8 1 0");
        vm.Look(10);
        Assert.Equal("9 8 1 0", vm.Vcpus);
    }

    [Fact]
    public void Nothing_of_such_a_VM_is_put_back_before_a_pass_has_looked_at_it()
    {
        Assert.Empty(HeldMasks.Of([_vm.Pass(1)], NodeContests.None));

        Assert.NotEmpty(HeldMasks.Of([_vm.Pass(4)], NodeContests.None));
    }

    [Fact]
    public void That_its_first_seconds_end_is_a_reason_to_look_again()
    {
        var plan = _vm.Pass(0.5).Plan;

        Assert.Equal(
            VmBeginning.Lasts,
            ManagerAtWork.NextEnd([plan], VmBeginning.Lasts - TimeSpan.FromTicks(1))
        );
        Assert.Equal(TimeSpan.MaxValue, ManagerAtWork.NextEnd([plan], VmBeginning.Lasts));
    }

    [Fact]
    public void Too_few_CPUs_to_choose_from_are_no_refusal_before_its_manager_has_had_time_to_give_it_some()
    {
        var node = new Node("(0)(1)") { Settings = new(["vm1"], []) };
        var vm = Vms.Vm("vm1", "0-1", new GuestTopology(1, 2, 1)) with
        {
            Key = new VmKey(Vms.FirstPid, 0),
            GivenCpuset = null,
        };

        var early = node.PassAt(TimeSpan.FromSeconds(1), vm)[0];
        Assert.Equal("Waiting VcpuThreadsStarting", early.Standing());
        Assert.Contains("2 vCPUs need a CPU each", early.Obstacle?.Message);

        var late = node.PassAt(VmBeginning.Lasts, vm)[0];
        Assert.Equal("Refused NotEnoughCpus", late.Standing());
    }
}
