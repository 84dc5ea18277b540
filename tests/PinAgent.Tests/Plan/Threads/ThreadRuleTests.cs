using PinAgent.Model.Cpu;
using PinAgent.Model.Kubernetes;
using PinAgent.Model.Node;
using PinAgent.Model.Text;
using PinAgent.Model.Vm;
using PinAgent.Plan;
using Xunit;

namespace PinAgent.Tests.Plan.Threads;

/// <summary>Which rule put each thread where it belongs, as an administrator reads it.</summary>
public sealed class ThreadRuleTests
{
    private static readonly VmiFacts Vmi = new("prod", "vm1")
    {
        Spec = new()
        {
            DedicatedCpuPlacement = true,
            IoThreadsPolicy = VmiSpec.SupplementalPool,
            IsolateEmulatorThread = true,
            EmulatorThreadCompleteToEvenParity = true,
        },
    };

    [Fact]
    public void Guest_siblings_are_beside_each_other_and_the_rest_is_with_the_isolated_emulator()
    {
        var vm = Vms.Vm("vm1", "0-1,2,8-9", new GuestTopology(1, 2, 2))
            .With(Vms.Thread(2001, ThreadRole.IoThread, 1, null))
            .With(Vms.Thread(3001, ThreadRole.Vhost, null, null))
            .With(Vms.Thread(3002, ThreadRole.KvmPit, null, null));

        Assert.Equal(
            """
            emulator 2: isolated: a CPU of its own
            helper 2: with the emulator
            vcpu 0: first thread of guest core 0: a CPU to itself
            vcpu 8: second thread of guest core 0: sibling of CPU 0
            vcpu 1: first thread of guest core 1: a CPU to itself
            vcpu 9: second thread of guest core 1: sibling of CPU 1
            iothread 2: with the emulator
            vhost 2: with the emulator
            kvm-pit 0: the guest's timer: with vCPU 0
            """,
            Rules(new Node().PassOne(vm))
        );
    }

    [Fact]
    public void Without_isolation_the_emulator_is_anywhere_and_IO_threads_share_with_vCPUs()
    {
        var vm = Vms.Vm("vm1", "0-1", new GuestTopology(1, 2, 1))
            .With(Vms.Thread(2001, ThreadRole.IoThread, 1, null));

        Assert.Equal(
            """
            emulator 0-1: not isolated: anywhere in the cpuset
            helper 0-1: with the emulator
            vcpu 0: guest core 0: a CPU that no other vCPU has
            vcpu 1: guest core 1: a CPU that no other vCPU has
            iothread 0-1: not isolated: on its share of the vCPUs' CPUs
            """,
            Rules(new Node().PassOne(vm))
        );
    }

    [Fact]
    public void A_guest_sibling_for_which_there_was_no_sibling_says_so()
    {
        var plan = new Node().PassOne(Vms.Vm("vm1", "0-1", new GuestTopology(1, 1, 2)));

        Assert.Contains(
            "vcpu 1: second thread of guest core 0: CPU 0 has no sibling for it",
            Rules(plan)
        );
    }

    [Fact]
    public void A_placement_that_was_adopted_is_told_as_it_is()
    {
        var vm = Vms.Vm("vm1", "0-1,8-9", new GuestTopology(1, 2, 2)).Running("0 1 8 9");

        var rules = Rules(new Node().PassOne(vm));

        Assert.Contains(
            "vcpu 1: second thread of guest core 0: not beside CPU 0, to move as little as possible",
            rules
        );
    }

    [Fact]
    public void Supplemental_IO_threads_and_an_emulator_of_two_CPUs_say_so()
    {
        var vm = Vms.Vm("prod_vm1", "0-3,8-9", new GuestTopology(1, 3, 1))
            .With(Vms.Thread(2001, ThreadRole.IoThread, 1, CpuSet.Parse("0-3,8-9")));
        var node = new Node { Settings = new PlanSettings([], [Vmi]) };

        var rules = Rules(node.PassOne(vm));

        Assert.Contains(": supplemental: a CPU to itself", rules);
        Assert.Contains(": isolated: CPUs of its own", rules);
    }

    [Fact]
    public void A_cgroup_of_the_threads_own_is_named()
    {
        var vm = Vms.Vm("vm1", "0-1", new GuestTopology(1, 2, 1))
            .With(
                Vms.Thread(1500, ThreadRole.Helper, null, null) with
                {
                    OwnCpuset = CpuSet.Parse("1,5"),
                },
                Vms.Thread(1501, ThreadRole.Helper, null, null) with
                {
                    OwnCpuset = CpuSet.Of(5),
                }
            );

        var rules = Rules(new Node().PassOne(vm));

        Assert.Contains("helper 1: with the emulator, within its own cgroup's CPUs 1,5", rules);
        Assert.Contains("helper 0-1: with the emulator; its own cgroup has only CPUs 5", rules);
    }

    [Fact]
    public void Where_nothing_is_wanted_there_is_no_rule()
    {
        var plan = new Node().PassOne(Vms.Vm("vm1", "0", new GuestTopology(1, 2, 1)));

        Assert.NotNull(plan.Obstacle);
        Assert.All(plan.Threads, thread => Assert.Null(thread.Rule));
    }

    private static string Rules(VmPlan plan) =>
        string.Join(
            '\n',
            plan.Threads.Select(thread =>
                $"{thread.Thread.Role.ToWord()} {thread.Wanted}: {thread.Rule}"
            )
        );
}
