using PinAgent.Model.Cpu;
using PinAgent.Model.Node;
using PinAgent.Model.Vm;
using PinAgent.Plan;
using Xunit;

namespace PinAgent.Tests.Plan.Ownership;

/// <summary>
/// The CPUs that named guests get when nobody has given them any. The machine has 16 CPUs, CPU n and n + 8 are a core.
/// </summary>
public sealed class ChoiceTests
{
    private static readonly GuestTopology Two = new(1, 1, 2);
    private static readonly GuestTopology Four = new(1, 2, 2);

    [Fact]
    public void Two_guests_with_all_CPUs_get_CPUs_that_do_not_overlap()
    {
        var plans = Named("a", "b").Pass(Vm("a", Four, 1000), Vm("b", Four, 2000));

        Assert.Equal(
            ["1-2,5,9-10: 1 9 2 10, emulator 5", "3-4,11-13: 3 11 4 12, emulator 13"],
            plans.Select(Describe)
        );
        Assert.All(plans, plan => Assert.Equal(CpuSource.Chosen, plan.Cpus!.Source));
        Assert.All(
            plans,
            plan => Assert.Contains("were chosen by PinAgent", Assert.Single(plan.Advisories))
        );
    }

    /// <summary>Else its vCPU went to the first CPU of all, and that was taken for a placement of somebody's.</summary>
    [Fact]
    public void Nothing_is_pinned_before_they_are_chosen()
    {
        var whole = Vm("a", new GuestTopology(1, 1, 1), 1000);
        var starting = whole with
        {
            Threads = whole.Threads.RemoveAll(thread => thread.Role == ThreadRole.Vcpu),
            Problem = Standing.Unclear(Reason.VcpuThreadsStarting, "not all yet"),
        };
        var node = Named("a");

        Assert.Null(Assert.Single(node.Pass(starting)).Starting);
        // A pod has what the kubelet gave it, be it all that the machine has.
        Assert.NotNull(Assert.Single(node.Pass(starting.InPod("uid-1"))).Starting);
        Assert.Equal("1,9: 1, emulator 9", Describe(Assert.Single(node.Pass(whole))));
    }

    [Fact]
    public void They_stay_there_when_others_come_and_go()
    {
        var node = Named("a", "b", "c");
        var b = Vm("b", Four, 2000);
        var before = Describe(node.Pass(Vm("a", Four, 1000), b)[1]);

        Assert.Equal(before, Describe(node.Pass(b)[0]));
        var plans = node.Pass(Vm("a", Two, 1500), b, Vm("c", Four, 3000));

        Assert.Equal(before, Describe(plans[1]));
        Assert.Equal("1,5,9: 1 9, emulator 5", Describe(plans[0]));
        Assert.Equal("placed", plans[2].Standing());
    }

    [Fact]
    public void And_over_a_restart_even_if_their_masks_are_others_meanwhile()
    {
        var node = Named("a", "b");
        var vms = new[] { Vm("a", Four, 1000), Vm("b", Four, 2000) };
        var before = node.Pass(vms).Select(Describe).ToList();
        var restarted = new Node { Settings = node.Settings, Known = node.Known };

        Assert.Equal(
            before,
            restarted.Pass([.. vms.Select(vm => vm.Masked("0-15"))]).Select(Describe)
        );
    }

    [Fact]
    public void A_third_gets_the_CPUs_of_the_emulators_before_it_is_refused()
    {
        var node = Named("a", "b", "c");
        var vms = new[] { Vm("a", Four, 1000), Vm("b", Four, 2000) };
        var before = node.Pass(vms);
        Assert.Equal(["5", "13"], before.Select(plan => plan.Emulator()));

        var plans = node.Pass([.. vms, Vm("c", new(1, 3, 2), 3000)]);

        Assert.Equal(
            ["1 9 2 10", "3 11 4 12", "5 13 6 14 7 15"],
            plans.Select(plan => plan.Vcpus())
        );
        // Beside the kernel then, on what is left to the host.
        Assert.All(plans, plan => Assert.Equal("0,8", plan.Emulator()));
        Assert.All(plans, plan => Assert.DoesNotContain(0, plan.Cpuset!));
    }

    [Fact]
    public void Whoever_finds_too_few_is_refused_with_the_sum_and_the_others_stay()
    {
        var node = Named("a", "b");
        var a = Vm("a", new(1, 5, 2), 1000);
        var before = Describe(node.PassOne(a));

        var plans = node.Pass(a, Vm("b", new(1, 3, 2), 2000));

        Assert.Equal(before, Describe(plans[0]));
        Assert.Equal("Refused NotEnoughCpus", plans[1].Standing());
        Assert.Contains(
            "6 vCPUs need a CPU each, and 4 are free: of CPUs 0-15, 1-5,9-13 are other VMs' or not in its cgroup, and 0,8 left "
                + "to the host",
            plans[1].Obstacle!.Message
        );
        Assert.Equal(before, Describe(node.Pass(a)[0]));
    }

    [Fact]
    public void At_least_a_core_is_left_to_the_host()
    {
        Assert.Equal(
            "Refused NotEnoughCpus",
            Named("a").PassOne(Vm("a", new(1, 8, 2), 1000)).Standing()
        );
        Assert.Equal("placed", Named("a").PassOne(Vm("a", new(1, 7, 2), 1000)).Standing());
    }

    [Fact]
    public void Isolated_CPUs_come_first()
    {
        var node = new Node { Settings = new PlanSettings(["a", "b"], []), Isolated = "4-5,12-13" };

        var plans = node.Pass(Vm("a", Two, 1000), Vm("b", Four, 2000));

        Assert.Equal("4 12", plans[0].Vcpus());
        Assert.Equal("1 9 2 10", plans[1].Vcpus());
    }

    [Fact]
    public void One_NUMA_node_comes_before_several()
    {
        var node = new Node("(0,1)(2,3)|(4,5)(6,7)(8,9)")
        {
            Settings = new PlanSettings(["a"], []),
        };

        Assert.Equal("4 5 6 7", node.PassOne(Vm("a", Four, 1000, "0-9")).Vcpus());
    }

    [Fact]
    public void CPUs_that_others_were_given_are_left_to_them()
    {
        var plans = Named("a", "b=4-5")
            .Pass(Vm("a", Four, 1000), Vm("b", Two, 2000), Vms.Vm("c", "1-2,9-10", Two, pid: 3000));

        Assert.Equal("3 11 6 14", plans[0].Vcpus());
    }

    [Fact]
    public void Guests_that_share_a_slices_CPUs_get_their_parts_of_it()
    {
        var node = Named("a", "b");
        var a = Vms.Vm("a", "4-7,12-15", Two, 1000) with { IsGivenAbove = true };
        var b = Vms.Vm("b", "4-7,12-15", Two, 2000) with { IsGivenAbove = true };
        var alone = node.PassOne(a);
        Assert.Equal((CpuSource.Cgroup, "4 12"), (alone.Cpus!.Source, alone.Vcpus()));

        var plans = node.Pass(a.After(alone), b);

        // The first stays where it is.
        Assert.Equal("4 12", plans[0].Vcpus());
        Assert.Equal("6 14", plans[1].Vcpus());
        Assert.All(plans, plan => Assert.Equal(CpuSource.Chosen, plan.Cpus!.Source));
        Assert.All(plans, plan => Assert.Subset(b.Cpuset!.ToHashSet(), plan.Cpuset!.ToHashSet()));
    }

    [Fact]
    public void And_given_up_when_others_are_given_them()
    {
        var node = Named("a");
        var a = Vm("a", Two, 1000);
        Assert.Equal("1 9", node.PassOne(a).Vcpus());

        Assert.Equal("2 10", node.Pass(a, Vms.Vm("c", "1,9", Two, pid: 3000))[0].Vcpus());
    }

    [Fact]
    public void Who_says_itself_which_CPUs_it_has_starves_nobody()
    {
        var node = Named("a");
        var poser = Vm("poser", Two, 500).Masked("1-15");

        var plans = node.Pass(poser, Vm("a", Four, 1000));

        Assert.Equal("NotDedicated NotNamed", plans[0].Standing());
        Assert.Equal("placed", plans[1].Standing());
    }

    [Fact]
    public void Nor_does_who_takes_a_named_guests_name()
    {
        var node = Named("a");

        var plans = node.Pass(Vm("a", Four, 1000), Vm("a", Four, 2000));

        Assert.All(plans, plan => Assert.Equal("NotExclusive CpusetOverlaps", plan.Standing()));
        Assert.All(plans, plan => Assert.Equal("host/pid-", plan.FullName[..9]));
    }

    [Fact]
    public void Nor_a_process_beside_a_pod_that_takes_its_guests_name()
    {
        var plans = Named("prod_a")
            .Pass(Vms.Vm("prod_a", "1,9", Two, 1000).InPod("u1"), Vm("prod_a", Two, 2000));

        Assert.Equal("1 9", plans[0].Vcpus());
        Assert.Equal("NotExclusive CpusetOverlaps", plans[1].Standing());
    }

    [Fact]
    public void A_placement_that_a_manager_has_made_is_kept()
    {
        var plan = Named("a").PassOne(Vm("a", Four, 1000).Running("0 8 7 15"));

        Assert.Equal("0 8 7 15", plan.Vcpus());
    }

    [Fact]
    public void Or_makes_in_the_VMs_first_seconds()
    {
        var node = Named("a");
        var born = TimeSpan.FromSeconds(1000);
        var a = Vm("a", Four, 1000);
        Assert.Equal("1 9 2 10", node.PassAt(born, a)[0].Vcpus());

        Assert.Equal(
            "4 12 5 13",
            node.PassAt(born + TimeSpan.FromSeconds(1), a.Running("4 12 5 13"))[0].Vcpus()
        );
        // Afterwards that is drift.
        Assert.Equal(
            "4 12 5 13",
            node.PassAt(born + TimeSpan.FromSeconds(9), a.Running("1 9 2 10"))[0].Vcpus()
        );
    }

    [Fact]
    public void A_vCPU_that_is_plugged_in_gets_a_CPU_and_the_others_keep_theirs()
    {
        var node = Named("a", "b");
        var a = Vms.Vm("a", "0-15", Four, 1000, boot: 2).Unconfined();
        var b = Vm("b", Two, 2000);
        var before = node.Pass(a, b);

        var plans = node.Pass(Vm("a", Four, 1000), b);

        Assert.StartsWith(before[0].Vcpus(), plans[0].Vcpus());
        Assert.Equal(before[1].Vcpus(), plans[1].Vcpus());
        Assert.Equal(4, CpuSet.Of(plans[0].Placement!.Vcpus).Count);
        Assert.Equal(before[0].Vcpus(), node.Pass(a, b)[0].Vcpus());
    }

    [Fact]
    public void One_that_finds_none_for_it_is_refused_and_keeps_what_it_has()
    {
        var node = Named("a", "b");
        var a = Vms.Vm("a", "0-15", new(1, 7, 2), 1000, boot: 13).Unconfined();
        Assert.Equal("placed", node.PassOne(a).Standing());

        var plans = node.Pass(Vm("a", new(1, 8, 2), 1000), Vm("b", Two, 2000));

        Assert.All(plans, plan => Assert.Equal("Refused NotEnoughCpus", plan.Standing()));
        Assert.Contains("16 vCPUs need a CPU each, and 14 are free", plans[0].Obstacle!.Message);
        Assert.Equal("placed", node.PassOne(a).Standing());
    }

    [Fact]
    public void CPUs_that_go_offline_are_replaced()
    {
        var node = Named("a");
        var a = Vm("a", Four, 1000);
        node.PassOne(a);
        var smaller = new Node("(0,8)(1)(2,10)(3,11)(4,12)")
        {
            Settings = node.Settings,
            Known = node.Known,
        };

        var plan = smaller.PassOne(a.On("0-4,8,10-12").Unconfined());

        Assert.Equal("placed", plan.Standing());
        Assert.Subset(smaller.Topology.Online.ToHashSet(), plan.Placement!.Vcpus.ToHashSet());
    }

    private static ObservedVm Vm(string name, GuestTopology guest, int pid, string cpus = "0-15") =>
        Vms.Vm(name, cpus, guest, pid).Unconfined();

    private static Node Named(params string[] names) =>
        new() { Settings = new PlanSettings([.. names.Select(name => new NamedGuest(name))], []) };

    private static string Describe(VmPlan plan) =>
        $"{plan.Cpuset}: {plan.Vcpus()}, emulator {plan.Emulator()}";
}
