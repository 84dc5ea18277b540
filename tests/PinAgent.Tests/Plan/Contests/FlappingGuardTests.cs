using System.Globalization;
using PinAgent.Model.Cpu;
using PinAgent.Model.Node;
using PinAgent.Model.Vm;
using PinAgent.NativeInterop;
using PinAgent.Plan.Contests;
using PinAgent.Report.Status;
using PinAgent.State;
using Xunit;

namespace PinAgent.Tests.Plan.Contests;

/// <summary>Another program undoes the agent's pins: it's put right, given way to, or taken over, and never fought.</summary>
public sealed class FlappingGuardTests : IDisposable
{
    private const string Ours = "0 8 1 9";
    private const string TheirsAsGood = "1 9 0 8";
    private const string Shared = "0 0 1 9";

    private readonly string _folder = Directory.CreateTempSubdirectory("contests-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [InlineData(TheirsAsGood)]
    [InlineData(Shared)]
    [InlineData("0-1,8-9 0-1,8-9 0-1,8-9 0-1,8-9")]
    public void Masks_set_by_hand_are_put_back_at_once_three_times_in_a_minute(string set)
    {
        var vm = new FoughtVm();
        for (var i = 0; i < Contest.Patience; i++)
        {
            vm.Set(set);

            Assert.Equal(VmState.Pinned, vm.Look().State);
            Assert.Equal(Ours, vm.Vcpus);
        }
    }

    [Fact]
    public void Masks_set_now_and_then_are_put_back_for_ever()
    {
        var vm = new FoughtVm();
        for (var i = 0; i < 100; i++)
        {
            vm.Set(Shared);
            vm.Look(seconds: 21);

            Assert.Equal(Ours, vm.Vcpus);
        }
    }

    [Fact]
    public void Each_thread_has_its_own_count_so_that_a_script_over_all_of_them_is_no_contest()
    {
        var vm = new FoughtVm();
        foreach (var set in new[] { "1 8 1 9", "0 1 1 9", "0 8 8 9", "0 8 1 8" })
        {
            vm.Set(set);

            Assert.Equal(VmState.Pinned, vm.Look().State);
            Assert.Equal(Ours, vm.Vcpus);
        }
    }

    [Fact]
    public void A_program_that_sets_no_placement_is_given_way_to_and_the_VM_shown_as_not_pinned()
    {
        var vm = new FoughtVm();

        var status = vm.Fight(Shared, TimeSpan.FromSeconds(9));

        Assert.Equal((VmState.PartlyPinned, Reason.AnotherWriter), (status.State, status.Reason));
        Assert.Equal(
            "another program sets masks again each time they are put back: vcpu 1 (1011) to 0 instead of 8; left alone for "
                + "10 s, then tried again (likely libvirt's vcpupin, somebody's taskset, or a tuning daemon)",
            status.Message
        );
        Assert.Equal("AlreadyRight Contested AlreadyRight AlreadyRight", Outcomes(status));
        Assert.Equal((Contest.Patience, Shared), (vm.Writes, vm.Vcpus));
    }

    [Fact]
    public void What_is_undone_again_is_left_alone_twice_as_long_up_to_five_minutes()
    {
        var vm = new FoughtVm();
        var at = new List<double>();
        vm.Fight(Shared, TimeSpan.FromSeconds(Contest.Patience));
        while (vm.Now < TimeSpan.FromHours(1))
        {
            var before = vm.Writes;
            vm.Set(Shared);
            vm.Look();
            if (vm.Writes > before)
            {
                at.Add(vm.Now.TotalSeconds);
            }
        }

        Assert.Equal(
            "21 41 81 161 301 301 301",
            string.Join(
                ' ',
                at.Zip(at.Skip(1), (one, next) => next - one)
                    .Take(7)
                    .Select(gap => gap.ToString(CultureInfo.InvariantCulture))
            )
        );
        Assert.InRange(vm.Writes, 1, 20);
    }

    [Fact]
    public void It_is_pinned_again_once_the_other_program_stops_and_forgotten_after_a_minute()
    {
        var vm = new FoughtVm();
        vm.Fight(Shared, TimeSpan.FromSeconds(9));

        vm.Look(seconds: 10);
        Assert.Equal(Ours, vm.Vcpus);

        vm.Look(seconds: 61);
        Masks_put_back_again(vm, Contest.Patience);
    }

    [Fact]
    public void What_strays_again_within_a_minute_after_a_pause_is_given_way_to_at_once()
    {
        var vm = new FoughtVm();
        vm.Fight(Shared, TimeSpan.FromSeconds(9));
        vm.Look(seconds: 10);

        vm.Set(Shared);

        Assert.Equal(Reason.AnotherWriter, vm.Look(seconds: 59).Reason);
        Assert.Equal(Shared, vm.Vcpus);
    }

    [Fact]
    public void A_placement_as_good_that_is_set_again_and_again_is_adopted_and_held()
    {
        var vm = new FoughtVm();
        vm.Fight(TheirsAsGood, TimeSpan.FromSeconds(Contest.Patience));
        var writes = vm.Writes;
        vm.Set(TheirsAsGood);

        var adopted = vm.Pass();

        Assert.StartsWith("another program kept setting vcpu 0 (1010) to 1", adopted.Plan.Adopted);
        var after = vm.Look();
        Assert.Equal((VmState.Pinned, null), (after.State, after.Reason));
        Assert.Equal(adopted.Plan.Adopted, Assert.Single(after.Advisories));
        Assert.Null(vm.Pass().Plan.Adopted);
        Assert.Equal((writes, TheirsAsGood), (vm.Writes, vm.Vcpus));

        vm.Set("8 9 0 8");
        vm.Look(seconds: 120);
        Assert.Equal(TheirsAsGood, vm.Vcpus);
        Assert.NotEmpty(vm.Look(seconds: 120).Advisories);
    }

    [Fact]
    public void The_advisory_goes_when_the_cpuset_makes_it_another_placement()
    {
        var vm = new FoughtVm();
        vm.Fight(TheirsAsGood, TimeSpan.FromSeconds(9));

        vm.Vm = vm.Vm.On("0-2,8,10");

        Assert.Empty(vm.Look().Advisories);
    }

    [Fact]
    public void An_emulator_in_the_way_of_an_adopted_placement_makes_room()
    {
        var vm = new FoughtVm(Vms.Vm("vm1", "0-1", new GuestTopology(1, 1, 1)));
        Assert.Equal(("0", "1"), (vm.Vcpus, Emulator(vm)));

        vm.Fight("1", TimeSpan.FromSeconds(9));

        Assert.Equal(("1", "0"), (vm.Vcpus, Emulator(vm)));
        Assert.Equal(VmState.Pinned, vm.Look().State);
    }

    [Fact]
    public void Guest_cores_that_are_whole_are_not_torn_apart()
    {
        var vm = new FoughtVm();

        Assert.Equal(Reason.AnotherWriter, vm.Fight("0 1 8 9", TimeSpan.FromMinutes(5)).Reason);
    }

    [Fact]
    public void A_program_that_sets_another_placement_each_time_is_not_followed()
    {
        var vm = new FoughtVm();
        string[] theirs = [TheirsAsGood, "9 1 8 0", "8 0 9 1"];
        for (var i = 0; i < 600; i++)
        {
            vm.Set(theirs[i % theirs.Length]);

            Assert.Null(vm.Pass().Plan.Adopted);
        }

        // Three for each of the four vCPUs, and those of six tries.
        Assert.InRange(vm.Writes, 4 * Contest.Patience, 4 * (Contest.Patience + 6));
    }

    [Fact]
    public void A_placement_found_half_set_is_adopted_when_it_is_whole()
    {
        var vm = new FoughtVm();
        vm.Fight("1 8 1 9", TimeSpan.FromSeconds(Contest.Patience));
        vm.Set("1 8 1 9");
        Assert.Equal(Reason.AnotherWriter, vm.Look().Reason);

        vm.Fight(TheirsAsGood, TimeSpan.FromSeconds(11));

        Assert.Equal((VmState.Pinned, TheirsAsGood), (vm.Look().State, vm.Vcpus));
    }

    [Fact]
    public void A_cpuset_that_moves_to_and_fro_is_no_contest()
    {
        var vm = new FoughtVm();
        for (var i = 0; i < 20; i++)
        {
            var cpuset = i % 2 == 0 ? "2-3,10-11" : "0-1,8-9";
            vm.Vm = vm.Vm.On(cpuset);
            vm.Set(string.Join(' ', Enumerable.Repeat(cpuset, 4)));

            Assert.Equal(VmState.Pinned, vm.Look().State);
        }
    }

    [Fact]
    public void Whoever_writes_the_same_cpuset_again_and_again_is_suspected()
    {
        var vm = new FoughtVm();

        var status = vm.Fight("0-1,8-9 0-1,8-9 0-1,8-9 0-1,8-9", TimeSpan.FromSeconds(9));

        Assert.Equal(Reason.AnotherWriter, status.Reason);
        Assert.Contains("likely the kubelet, a container runtime or systemd", status.Message);
    }

    [Fact]
    public void Threads_that_come_and_go_in_the_wrong_place_are_no_contest_and_are_placed_in_one_too()
    {
        var vm = new FoughtVm();
        for (var i = 0; i < 20; i++)
        {
            var worker = Vms.Thread(2000 + i, ThreadRole.Helper, null, CpuSet.Of(0));
            vm.Add(worker);
            vm.Set(Shared);
            vm.Look();

            Assert.Equal("0-1,8-9", vm[worker.Tid].Cpus.ToString());
        }

        Assert.Equal(Reason.AnotherWriter, vm.Look().Reason);
    }

    [Fact]
    public void A_kernel_that_refuses_is_no_contest()
    {
        var vm = new FoughtVm();
        vm[FoughtVm.Vcpu0].SetFails = Errno.EPERM;

        var status = vm.Fight(
            Shared.Replace("0 0", "8 8", StringComparison.Ordinal),
            TimeSpan.FromSeconds(2)
        );

        Assert.Equal(Reason.PermissionMissing, status.Reason);
    }

    [Fact]
    public void A_restarted_agent_goes_on_where_the_one_before_was()
    {
        var vm = new FoughtVm();
        vm.Fight(Shared, TimeSpan.FromSeconds(9));
        new ContestMemory($"{_folder}/contests.json").Keep(vm.Contests);
        var writes = vm.Writes;

        vm.Restart(new ContestMemory($"{_folder}/contests.json").Load());

        Assert.Equal(Reason.AnotherWriter, vm.Look().Reason);
        Assert.Equal((writes, Shared), (vm.Writes, vm.Vcpus));
        vm.Fight(Shared, TimeSpan.FromSeconds(20));
        Assert.Equal(writes + 1, vm.Writes);
    }

    [Fact]
    public void What_is_remembered_is_written_when_it_changes_only()
    {
        var path = $"{_folder}/contests.json";
        var memory = new ContestMemory(path);
        var vm = new FoughtVm();
        memory.Keep(vm.Contests);
        Assert.False(File.Exists(path));

        vm.Fight(Shared, TimeSpan.FromSeconds(9));
        memory.Keep(vm.Contests);
        File.Delete(path);
        vm.Look();
        memory.Keep(vm.Contests);

        Assert.False(File.Exists(path));
    }

    [Theory]
    [InlineData("")]
    [InlineData("{")]
    [InlineData(
        """{"version":2,"vms":[{"key":{"pid":1000,"startTime":100000},"pauseSeconds":10}]}"""
    )]
    [InlineData("""{"version":1,"vms":[null,{}]}""")]
    public void A_file_that_cannot_be_understood_leaves_nothing_alone(string content)
    {
        File.WriteAllText($"{_folder}/contests.json", content);
        var vm = new FoughtVm();

        vm.Restart(new ContestMemory($"{_folder}/contests.json").Load());

        Masks_put_back_again(vm, Contest.Patience);
    }

    [Fact]
    public void A_VM_that_is_released_has_no_contest()
    {
        var vm = new FoughtVm();
        vm.Fight(Shared, TimeSpan.FromSeconds(9));

        vm.Settings = vm.Settings with { Released = [vm.Vm.Key] };
        vm.Pass();
        vm.Settings = PlanSettings.Default;

        Masks_put_back_again(vm, 1);
    }

    private static void Masks_put_back_again(FoughtVm vm, int times)
    {
        for (var i = 0; i < times; i++)
        {
            vm.Set(Shared);
            vm.Look();
            Assert.Equal(Ours, vm.Vcpus);
        }
    }

    private static string Emulator(FoughtVm vm) => vm[vm.Vm.Key.Pid].Cpus.ToString();

    private static string Outcomes(VmStatus status) =>
        string.Join(
            ' ',
            status
                .Threads.Where(thread => thread.Role == ThreadRole.Vcpu)
                .Select(thread => thread.Outcome)
        );
}
