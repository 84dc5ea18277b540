using PinAgent.Model.Node;
using PinAgent.Model.Vm;
using Xunit;

namespace PinAgent.Tests.Plan.Ownership;

/// <summary>What an account without any right on the host can start: it costs nobody else anything.</summary>
public sealed class HostileVmTests
{
    private static readonly GuestTopology Two = new(1, 1, 2);

    [Theory]
    [InlineData(65_536)]
    [InlineData(999_999_999)]
    public void A_vCPU_number_that_no_guest_has_ends_no_pass(int number)
    {
        var vm = Vms.Vm("poser", "0-15", Two, pid: 500).Unconfined().Masked("4-7");
        vm = vm with
        {
            Threads =
            [
                .. vm.Threads.Select(thread =>
                    thread.Index == 1 ? thread with { Index = number } : thread
                ),
            ],
        };

        var plans = new Node().Pass(vm, Vms.Vm("vm1", "1,9", Two));

        Assert.Equal("placed", plans[1].Standing());
    }

    [Fact]
    public void Who_takes_a_guests_name_after_a_restart_takes_none_of_its_CPUs()
    {
        var node = Named("a", "b");
        var a = Vms.Vm("a", "0-15", Two).Unconfined();
        var before = node.PassOne(a);
        Assert.Equal("1 9", before.Vcpus());
        a = a.After(before);
        var poser = Vms.Vm("a", "0-15", Two, pid: 500).Unconfined();
        var restarted = new Node { Settings = node.Settings, Known = node.Known };

        var plans = restarted.Pass(poser, a, Vms.Vm("b", "0-15", Two, pid: 2000).Unconfined());

        Assert.Equal("3 11", plans[2].Vcpus());
        Assert.Equal("1 9", restarted.Pass(a)[0].Vcpus());
    }

    [Fact]
    public void Nor_the_name_itself_from_one_for_which_the_agent_has_chosen_CPUs()
    {
        var node = Named("a");
        var a = Vms.Vm("a", "0-15", Two).Unconfined();
        a = a.After(node.PassOne(a));
        var restarted = new Node { Settings = node.Settings, Known = node.Known };

        var plans = restarted.Pass(Vms.Vm("a", "0-15", Two, pid: 500).Unconfined(), a);

        Assert.Equal("placed", plans[1].Standing());
    }

    [Theory]
    [InlineData("a=4-7", "0-15")]
    [InlineData("a", "4-7")]
    public void Nor_from_one_that_has_been_placed_before_the_agents_restart(
        string told,
        string mask
    )
    {
        var node = Named(told);
        var a = Vms.Vm("a", "0-15", Two).Unconfined().Masked(mask);
        var before = node.PassOne(a);
        Assert.Equal("placed", before.Standing());
        var restarted = new Node { Settings = node.Settings, Known = node.Known };

        var plans = restarted.Pass(
            Vms.Vm("a", "0-15", Two, pid: 500).Unconfined().Masked(mask),
            a.After(before)
        );

        Assert.Equal(before.Vcpus(), plans[1].Vcpus());
        Assert.NotEqual("placed", plans[0].Standing());
    }

    [Theory]
    [InlineData(null)]
    [InlineData("1,9")]
    public void A_guest_in_a_pod_that_has_the_name_as_its_own_takes_nothing(string? told)
    {
        var node = Named(told is null ? "a" : $"a={told}");
        var a = Vms.Vm("a", "0-15", Two).Unconfined();
        Assert.Equal("1 9", node.PassOne(a).Vcpus());

        var plans = node.Pass(Vms.Vm("x_a", "0-15", Two, pid: 500).Unconfined().InPod("u1"), a);

        Assert.Equal("1 9", plans[1].Vcpus());
        Assert.NotEqual("placed", plans[0].Standing());
    }

    [Fact]
    public void A_user_who_writes_his_own_cpusets_takes_no_CPUs_from_others()
    {
        var node = Named("a");
        var a = Vms.Vm("a", "0-15", Two).Unconfined();
        Assert.Equal("1 9", node.PassOne(a).Vcpus());
        var users = Vms.Vm("x", "0-15", Two, pid: 500) with
        {
            Cgroup = new CgroupLocation(
                "/user.slice/user-1000.slice/user@1000.service/app.slice/x.scope",
                null,
                null
            ),
        };

        Assert.Equal("1 9", node.Pass(users.On("1-14"), a)[1].Vcpus());
        Assert.Equal("1 9", node.Pass(users.InLibvirt("1-7,9-15"), a)[1].Vcpus());

        // Nor where none is named, from one that began later.
        var plans = new Node().Pass(users.On("4-7"), Vms.Vm("b", "4-7", Two));
        Assert.Equal("placed", plans[1].Standing());
        Assert.Equal("NotDedicated CpusetOverlaps", plans[0].Standing());
    }

    [Fact]
    public void Who_has_a_guests_name_and_says_that_its_CPUs_are_his_is_not_pinned_beside_it()
    {
        var node = Named("a");
        var a = Vms.Vm("a", "0-15", Two).Unconfined();
        Assert.Equal("1 9", node.PassOne(a).Vcpus());

        var plans = node.Pass(Vms.Vm("a", "0-15", Two, pid: 500).Unconfined().Masked("1,9"), a);

        Assert.Equal("NotExclusive CpusetOverlaps", plans[0].Standing());
        Assert.Equal("1 9", plans[1].Vcpus());
    }

    [Fact]
    public void Alone_it_is_pinned_within_them()
    {
        var users = Vms.Vm("x", "4-7", Two, pid: 500) with
        {
            Cgroup = new CgroupLocation("/user.slice/user@1000.service/x.scope", null, null),
        };

        Assert.Equal("4 5", new Node().PassOne(users).Vcpus());
    }

    [Fact]
    public void Who_says_that_nearly_all_CPUs_are_his_makes_no_VM_share_cores()
    {
        var node = Named("a", "b");
        var a = Vms.Vm("a", "0-15", Two).Unconfined();
        Assert.Equal("2", node.PassOne(a).Emulator());

        // All but the CPU of that emulator, and its sibling.
        var poser = Vms.Vm("poser", "0-15", Two, pid: 500).Unconfined().Masked("1,3-9,11-15");
        var plans = node.Pass(poser, a, Vms.Vm("b", "0-15", Two, pid: 2000).Unconfined());

        Assert.Equal(("1 9", "2"), (plans[1].Vcpus(), plans[1].Emulator()));
        Assert.Equal(("3 11", "10"), (plans[2].Vcpus(), plans[2].Emulator()));

        // It takes no emulator its CPU either.
        poser = poser.Masked("1-15");
        plans = Named("b").Pass(poser, Vms.Vm("b", "0-15", Two, pid: 2000).Unconfined());
        Assert.Equal(("1 9", "2"), (plans[1].Vcpus(), plans[1].Emulator()));
    }

    private static Node Named(params string[] names) =>
        new() { Settings = new PlanSettings([.. names.Select(name => new NamedGuest(name))], []) };
}
