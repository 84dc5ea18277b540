using PinAgent.Model.Cpu;
using PinAgent.Model.Kubernetes;
using PinAgent.Model.Node;
using PinAgent.Model.Vm;
using PinAgent.Plan;
using Xunit;

namespace PinAgent.Tests.Plan.Threads;

/// <summary>Which CPUs each kind of thread gets.</summary>
public sealed class ThreadPlanTests
{
    private static readonly GuestTopology Two = new(1, 1, 2);
    private static readonly VmiFacts Vmi = new("prod", "vm1")
    {
        Spec = new() { DedicatedCpuPlacement = true },
    };

    [Fact]
    public void Everything_that_is_no_vCPU_belongs_to_the_emulator_but_the_kernels_timer_to_vCPU_0()
    {
        var vm = Vms.Vm("vm1", "0-1,8", Two)
            .With(Vms.Thread(3001, ThreadRole.Vhost, null, null))
            .With(Vms.Thread(3002, ThreadRole.KvmPit, null, null));

        var plan = new Node().PassOne(vm);

        Assert.Equal("0 8", plan.Vcpus());
        Assert.Equal("1", plan.Emulator());
        Assert.Equal("1", plan.Wanted(ThreadRole.Helper));
        Assert.Equal("1", plan.Wanted(ThreadRole.Vhost));
        Assert.Equal("0", plan.Wanted(ThreadRole.KvmPit));
    }

    [Fact]
    public void An_emulator_that_is_not_isolated_keeps_the_whole_cpuset()
    {
        var plan = new Node().PassOne(Vms.Vm("vm1", "0,8", Two));

        Assert.Equal("0,8", plan.Emulator());
        Assert.Equal("0,8", plan.Wanted(ThreadRole.Helper));
    }

    [Fact]
    public void IO_threads_are_taken_by_their_numbers_not_their_ids()
    {
        var all = CpuSet.Parse("0-1,8-9");
        var vm = Vms.Vm("vm1", "0-1,8-9", new GuestTopology(1, 2, 2))
            .With(Vms.Thread(2001, ThreadRole.IoThread, 2, all))
            .With(Vms.Thread(2002, ThreadRole.IoThread, 1, all));

        var plan = new Node().PassOne(vm);

        // iothread1 has the first run of the cpuset.
        Assert.Equal("8-9 0-1", plan.Wanted(ThreadRole.IoThread));
    }

    [Fact]
    public void Supplemental_IO_threads_have_a_CPU_each()
    {
        var all = CpuSet.Parse("0-2,8-9");
        var vm = Vms.Vm("prod_vm1", "0-2,8-9", Two)
            .With(Vms.Thread(2001, ThreadRole.IoThread, 1, all))
            .With(Vms.Thread(2002, ThreadRole.IoThread, 2, all));
        var facts = Vmi.Asking(spec =>
            spec with
            {
                IoThreadsPolicy = VmiSpec.SupplementalPool,
                IsolateEmulatorThread = true,
            }
        );

        var plan = With(facts).PassOne(vm);

        Assert.Equal("0 8", plan.Vcpus());
        Assert.Equal("2 1", plan.Wanted(ThreadRole.IoThread));
        Assert.Equal("9", plan.Emulator());
    }

    [Fact]
    public void The_housekeeping_groups_CPU_is_the_emulators()
    {
        var vm = Vms.Vm("prod_vm1", "0-1,8-9", Two) with { Housekeeping = CpuSet.Parse("8") };

        var plan = With(Vmi.Asking(spec => spec with { IsolateEmulatorThread = true })).PassOne(vm);

        Assert.Equal("1 9", plan.Vcpus());
        Assert.Equal("8", plan.Emulator());
    }

    [Fact]
    public void A_housekeeping_group_that_appears_later_is_followed_and_only_those_on_its_CPU_move()
    {
        var node = With(Vmi.Asking(spec => spec with { IsolateEmulatorThread = true }));
        var vm = Vms.Vm("prod_vm1", "0-1,8-9", Two);
        Assert.Equal("0 8", node.PassOne(vm).Vcpus());

        var plan = node.PassOne(vm with { Housekeeping = CpuSet.Parse("8") });

        Assert.Equal("0 1", plan.Vcpus());
        Assert.Equal("8", plan.Emulator());
    }

    [Theory]
    [InlineData("0-1,8")]
    [InlineData("15")]
    public void A_housekeeping_group_that_cannot_be_the_emulators_is_passed_over(string stale)
    {
        var vm = Vms.Vm("prod_vm1", "0-1,8-9", Two) with { Housekeeping = CpuSet.Parse(stale) };

        var plan = With(Vmi.Asking(spec => spec with { IsolateEmulatorThread = true })).PassOne(vm);

        Assert.Equal("0 8", plan.Vcpus());
        Assert.Equal("1", plan.Emulator());
    }

    [Fact]
    public void A_supplemental_IO_thread_that_the_housekeeping_group_confines_is_told_and_the_rest_placed()
    {
        var vm = Vms.Vm("prod_vm1", "0-2,8-9", Two) with { Housekeeping = CpuSet.Parse("2") };
        vm = vm.With(
            Vms.Thread(2001, ThreadRole.IoThread, 1, CpuSet.Of(2)) with
            {
                OwnCpuset = CpuSet.Of(2),
            }
        );
        var facts = Vmi.Asking(spec =>
            spec with
            {
                IoThreadsPolicy = VmiSpec.SupplementalPool,
                IsolateEmulatorThread = true,
            }
        );

        var plan = With(facts).PassOne(vm);

        var confined = Assert.Single(plan.Threads, thread => thread.IsConfined);
        Assert.Equal(2001, confined.Thread.Tid);
        Assert.Equal("1", confined.Wanted?.ToString());
        Assert.Equal("0 8", plan.Vcpus());
        Assert.Equal("2", plan.Emulator());
    }

    [Fact]
    public void A_thread_that_may_go_anywhere_goes_anywhere_in_its_own_cgroup()
    {
        var vm = Vms.Vm("vm1", "0,8", Two)
            .With(Vms.Thread(1500, ThreadRole.Helper, null, null) with { OwnCpuset = CpuSet.Of(8) })
            .With(
                Vms.Thread(1501, ThreadRole.Helper, null, null) with
                {
                    OwnCpuset = CpuSet.Of(5),
                }
            );

        var plan = new Node().PassOne(vm);

        Assert.Equal("0,8 8 0,8", plan.Wanted(ThreadRole.Helper));
        Assert.Equal(1501, Assert.Single(plan.Threads, thread => thread.IsConfined).Thread.Tid);
    }

    [Theory]
    [InlineData("0", false)]
    [InlineData("0,8", false)]
    [InlineData("8", true)]
    public void A_vCPU_in_a_cgroup_of_its_own_is_confined_if_that_lacks_its_CPU(
        string own,
        bool isConfined
    )
    {
        var vm = Vms.Vm("vm1", "0,8", Two);
        var vcpu = vm.Threads.First(thread => thread.Role == ThreadRole.Vcpu);
        vm = vm with
        {
            Threads = vm.Threads.Replace(vcpu, vcpu with { OwnCpuset = CpuSet.Parse(own) }),
        };

        var planned = new Node().PassOne(vm).Threads.First(t => t.Thread.Tid == vcpu.Tid);

        Assert.Equal(isConfined, planned.IsConfined);
        Assert.Equal("0", planned.Wanted?.ToString());
    }

    [Fact]
    public void The_plan_lists_the_threads_in_the_order_they_were_found()
    {
        var vm = Vms.Vm("vm1", "0,8", Two);
        var reversed = vm with { Threads = [.. vm.Threads.Reverse()] };

        var plan = new Node().PassOne(reversed);

        Assert.Equal(reversed.Threads, plan.Threads.Select(planned => planned.Thread));
        Assert.Equal("8 0", plan.Vcpus());
    }

    [Fact]
    public void What_does_not_prevent_pinning_is_advised()
    {
        var topology = new NodeTopology(Nodes.Parse("(0)(1)").Cpus, isolated: CpuSet.Of(1));
        var vm = Vms.Vm("vm1", "0-1", Two) with
        {
            GivenCpuset = CpuSet.Of(0),
            Housekeeping = CpuSet.Parse("0-2"),
        };
        var snapshot = new NodeSnapshot(
            topology,
            [vm],
            new CpuManagerObservation(CpuManagerState.None, null, [])
        );

        var plan = NodePlanner.Plan(snapshot, PlanSettings.Default, PlanMemory.None).Plan;

        Assert.Equal("placed", plan.Vms[0].Standing());
        Assert.Collection(
            plan.Vms[0].Advisories,
            siblings => Assert.Contains("2 threads per core, the node has 1", siblings),
            isolated => Assert.Contains("CPUs 1 are isolated (isolcpus)", isolated),
            housekeeping => Assert.Contains("housekeeping cgroup has CPUs 0-2", housekeeping)
        );
    }

    private static Node With(VmiFacts vmi) => new() { Settings = new PlanSettings([], [vmi]) };
}
