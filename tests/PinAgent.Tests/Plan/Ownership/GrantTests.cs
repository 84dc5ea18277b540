using PinAgent.Model.Node;
using PinAgent.Model.Vm;
using PinAgent.Plan;
using Xunit;

namespace PinAgent.Tests.Plan.Ownership;

/// <summary>Whose CPUs a plain host's VM is pinned to. The machine has 16 CPUs, CPU n and n + 8 are a core.</summary>
public sealed class GrantTests
{
    private static readonly GuestTopology Two = new(1, 2, 1);
    private static readonly GuestTopology Siblings = new(1, 2, 2);

    private static ObservedVm All(
        GuestTopology guest,
        string name = "vm1",
        int pid = Vms.FirstPid
    ) => Vms.Vm(name, "0-15", guest, pid).Unconfined();

    [Fact]
    public void The_administrators_word_comes_before_all_others()
    {
        var node = Named("vm1=4-6");

        var plan = node.PassOne(
            Vms.Vm("vm1", "2-7", Two).InLibvirt("3-7 3-7", emulator: "2-7").Masked("3-7")
        );

        Assert.Equal("placed administrator 4-6: 4 5, emulator 6", Describe(plan));
    }

    [Fact]
    public void CPUs_outside_the_cgroup_are_refused_with_the_file_that_says_so()
    {
        var vm = Vms.Vm("vm1", "2-7", Two) with { CpusetFile = "/sys/fs/cgroup/x/cpuset.cpus" };

        var plan = Named("vm1=4-9").PassOne(vm);

        Assert.Equal("Refused Confined", plan.Standing());
        Assert.Contains("--vm vm1=4-9: CPUs 8-9 aren't among", plan.Obstacle!.Message);
        Assert.Contains("2-7 (/sys/fs/cgroup/x/cpuset.cpus)", plan.Obstacle.Message);
        Assert.Equal("- -", plan.Vcpus());
    }

    [Fact]
    public void So_are_those_that_the_machine_has_not()
    {
        var plan = Named("vm1=14-17").PassOne(All(Two));

        Assert.Equal("Refused UnknownCpu", plan.Standing());
        Assert.Contains("CPUs 16-17 aren't online", plan.Obstacle!.Message);
    }

    [Theory]
    [InlineData("vm1=4-7", "4-7")]
    [InlineData("host/vm1=4-7", "4-7")]
    [InlineData("vm1", null)]
    public void A_guest_is_named_with_or_without_CPUs(string told, string? cpus)
    {
        var guest = new NamedGuest(told);

        Assert.Equal(cpus, guest.Cpus?.ToString());
        Assert.Equal("placed", Named(told).PassOne(All(Two)).Standing());
    }

    [Theory]
    [InlineData("a=b", "a=b", null)]
    [InlineData("a=b=1-2", "a=b", "1-2")]
    [InlineData("a=", "a=", null)]
    [InlineData("=1", "=1", null)]
    [InlineData("a=2-1", "a=2-1", null)]
    public void The_last_equals_sign_divides_where_CPUs_follow(
        string told,
        string name,
        string? cpus
    )
    {
        var guest = new NamedGuest(told);

        Assert.Equal((name, cpus), (guest.Name, guest.Cpus?.ToString()));
    }

    [Fact]
    public void A_guest_that_has_the_whole_text_for_its_name_is_meant()
    {
        var node = Named("vm1=4-7");

        var plan = node.PassOne(Vms.Vm("vm1=4-7", "2-3", Two));

        Assert.Equal("placed cgroup 2-3: 2 3, emulator 2-3", Describe(plan));
        Assert.Empty(node.Notices);
    }

    [Fact]
    public void But_it_takes_nothing_from_the_guest_with_the_name_alone()
    {
        var plans = Named("vm1=4-7").Pass(All(Two), Vms.Vm("vm1=4-7", "2-3", Two, pid: 2000));

        Assert.Equal("placed administrator 4-7: 4 5, emulator 6-7", Describe(plans[0]));
        Assert.Equal("NotDedicated NotNamed", plans[1].Standing());
    }

    [Fact]
    public void A_name_without_a_guest_is_told()
    {
        var node = Named("vm2=4-7");
        node.PassOne(All(Two));

        Assert.Equal(["--vm vm2=4-7: no running guest has this name"], node.Notices);
    }

    [Fact]
    public void The_cpusets_of_the_threads_own_cgroups_say_which_CPUs_are_the_VMs()
    {
        var plan = new Node().PassOne(All(Siblings).InLibvirt("4-7,12-15", "4-7,12-15"));

        Assert.Equal("placed threadCgroups 4-7,12-15: 4 12 5 13, emulator 6", Describe(plan));
        Assert.True(plan.Dedicated);
    }

    [Fact]
    public void Each_thread_stays_within_its_own()
    {
        var plan = new Node().PassOne(All(Siblings).InLibvirt("5,13 6-7 5,13 6-7", "1-2"));

        Assert.Equal("placed threadCgroups 5-7,13: 5 6 13 7, emulator 1-2", Describe(plan));
        Assert.All(plan.Threads, thread => Assert.False(thread.IsConfined));
    }

    [Fact]
    public void A_placement_of_the_managers_own_is_kept()
    {
        var plan = new Node().PassOne(All(Two).InLibvirt("9 3"));

        Assert.Equal("placed threadCgroups 3,9: 9 3, emulator 0-2,4-8,10-15", Describe(plan));
    }

    [Fact]
    public void An_emulator_that_nobody_has_confined_keeps_off_the_CPUs_of_other_VMs()
    {
        var plans = new Node().Pass(
            All(Two).InLibvirt("9 3"),
            All(Two, "vm2", pid: 2000).InLibvirt("4-5", "4-5"),
            Vms.Vm("vm3", "12-15", Two, pid: 3000)
        );

        Assert.Equal("placed threadCgroups 3,9: 9 3, emulator 0-2,6-8,10-11", Describe(plans[0]));
    }

    [Fact]
    public void Vcpus_that_find_no_CPU_in_their_cgroups_are_refused()
    {
        var plan = new Node().PassOne(All(Siblings).InLibvirt("5 5 5-8 5-8", "1-2"));

        Assert.Equal("Refused NotEnoughCpus", plan.Standing());
        Assert.Contains(
            "vCPU 1 finds no CPU of its own: its own cgroup has CPUs 5",
            plan.Obstacle!.Message
        );
    }

    [Fact]
    public void While_a_manager_is_at_it_nothing_is_inferred_from_some_of_the_threads()
    {
        var begun = All(Two).InLibvirt("4-5");
        begun = begun with
        {
            Threads =
            [
                .. begun.Threads.Select(thread =>
                    thread.Index == 1 ? thread with { OwnCpuset = null } : thread
                ),
            ],
        };

        Assert.Equal("NotDedicated NoCpusetOfItsOwn", new Node().PassOne(begun).Standing());
    }

    [Theory]
    [InlineData("vm1")]
    [InlineData(null)]
    public void The_mask_with_which_QEMU_was_started_does_where_nothing_else_is_said(string? named)
    {
        var node = named is null ? new Node() : Named(named);

        var plan = node.PassOne(All(Two).Masked("4-6"));

        Assert.Equal("placed initialMask 4-6: 4 5, emulator 6", Describe(plan));
        // Nor is it forgotten once the threads have other masks.
        Assert.Equal(
            "placed initialMask 4-6: 4 5, emulator 6",
            Describe(node.PassOne(All(Two).Running("4 5", emulator: "6")))
        );
    }

    [Fact]
    public void It_is_known_after_the_agents_restart()
    {
        var first = new Node();
        first.PassOne(All(Two).Masked("4-6"));

        var plan = new Node { Known = first.Known }.PassOne(All(Two).Running("4 5", emulator: "6"));

        Assert.Equal("placed initialMask 4-6: 4 5, emulator 6", Describe(plan));
    }

    [Theory]
    [InlineData("0-15", "0-15")]
    [InlineData("4-15", "4-15")]
    public void One_that_every_process_has_says_nothing(string everybodys, string mask)
    {
        var node = new Node { InitMask = everybodys };

        Assert.Equal(
            "NotDedicated NoCpusetOfItsOwn",
            node.PassOne(All(Two).Masked(mask)).Standing()
        );
    }

    [Fact]
    public void Nor_does_one_without_room_for_all_vCPUs()
    {
        Assert.Equal(
            "NotDedicated NoCpusetOfItsOwn",
            new Node().PassOne(All(Siblings).Masked("4-6")).Standing()
        );
    }

    [Fact]
    public void Nor_one_out_of_which_a_manager_moves_vCPUs_in_the_first_seconds()
    {
        var node = new Node();
        var born = TimeSpan.FromSeconds(Vms.FirstPid);
        Assert.Equal("placed", node.PassAt(born, All(Two).Masked("4-6"))[0].Standing());

        var plan = node.PassAt(
            born + TimeSpan.FromSeconds(1),
            All(Two).Running("8 9", emulator: "4-6")
        )[0];

        Assert.Equal("NotDedicated NoCpusetOfItsOwn", plan.Standing());
    }

    [Fact]
    public void Later_that_is_drift()
    {
        var node = new Node();
        var born = TimeSpan.FromSeconds(Vms.FirstPid);
        node.PassAt(born, All(Two).Masked("4-6"));

        var plan = node.PassAt(
            born + TimeSpan.FromSeconds(10),
            All(Two).Running("8 9", emulator: "4-6")
        )[0];

        Assert.Equal("placed initialMask 4-6: 4 5, emulator 6", Describe(plan));
    }

    [Theory]
    [InlineData(true, "NotExclusive NoCpusetOfItsOwn")]
    [InlineData(false, "NotDedicated NoCpusetOfItsOwn")]
    public void An_agent_that_came_too_late_to_see_it_guesses_nothing(bool isNamed, string standing)
    {
        var node = isNamed ? Named("vm1") : new Node();

        var plan = node.PassOne(All(Siblings).Running("4-6 4-6 4-6 4-6", emulator: "7"));

        Assert.Equal(standing, plan.Standing());
        Assert.Contains("masks keep its vCPUs on CPUs 4-6", plan.Obstacle!.Message);
        Assert.Contains("say it with --vm vm1=4-6", plan.Obstacle.Message);
    }

    [Fact]
    public void Who_sets_its_own_mask_takes_no_CPUs_from_a_VM_that_was_given_them()
    {
        var node = new Node();
        var said = All(Two, "poser", pid: 500).Masked("4-5");
        Assert.Equal("placed initialMask 4-5: 4 5, emulator 4-5", Describe(node.PassOne(said)));

        var plans = node.Pass(said, Vms.Vm("vm1", "4-6", Two));

        Assert.Equal("placed cgroup 4-6: 4 5, emulator 6", Describe(plans[1]));
        Assert.Equal("NotDedicated CpusetOverlaps", plans[0].Standing());
        Assert.Contains("only says so itself", plans[0].Obstacle!.Message);
    }

    [Fact]
    public void In_a_pod_nothing_but_the_cgroup_counts()
    {
        var plan = Named("vm1").PassOne(Vms.Vm("vm1", "4-7", Two).InPod("u1"));

        Assert.Equal(CpuSource.Cgroup, plan.Cpus!.Source);
    }

    private static Node Named(params string[] names) =>
        new() { Settings = new PlanSettings([.. names.Select(name => new NamedGuest(name))], []) };

    private static string Describe(VmPlan plan)
    {
        var source = $"{plan.Cpus?.Source}";
        return $"{plan.Standing()} {char.ToLowerInvariant(source[0])}{source[1..]} {plan.Cpuset}: {plan.Vcpus()}, emulator {plan.Emulator()}";
    }
}
