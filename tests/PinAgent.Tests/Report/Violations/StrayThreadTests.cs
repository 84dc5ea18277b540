using PinAgent.Apply;
using PinAgent.Model.Cpu;
using PinAgent.Model.Node;
using PinAgent.Model.Vm;
using PinAgent.NativeInterop;
using PinAgent.Report.Violations;
using PinAgent.Tests.Apply;
using PinAgent.Tests.Plan;
using Xunit;

namespace PinAgent.Tests.Report.Violations;

/// <summary>A VM whose vCPUs have CPUs 0 and 8, and whose other threads belong on CPU 1.</summary>
public sealed class StrayThreadTests
{
    [Fact]
    public void Threads_where_they_belong_are_no_violation() =>
        Assert.Empty(StrayThreads.Of([AppliedVm.Pinned().Apply()]));

    [Fact]
    public void A_helper_that_its_own_cgroup_keeps_on_a_vCPUs_CPU_is_told()
    {
        var vm = new AppliedVm(thread => thread.Tid == AppliedVm.Helper ? On(thread, "0") : thread);

        var violation = Assert.Single(StrayThreads.Of([vm.Apply()]));

        Assert.Equal((ViolationKind.Helper, CpuSet.Parse("0")), (violation.Kind, violation.Cpus));
        Assert.StartsWith(
            "threads of host/vm1 that belong with its emulator may run on CPUs 0 of its vCPUs, and couldn't be moved: worker "
                + "(1001, Confined);",
            violation.Message
        );
    }

    [Fact]
    public void Helpers_that_the_kernel_doesnt_let_move_are_told_and_vCPUs_arent()
    {
        var vm = new AppliedVm();
        foreach (var thread in vm.Plan.Threads)
        {
            vm.Kernel[thread.Thread.Tid].SetFails = Errno.EPERM;
        }

        var violation = Assert.Single(StrayThreads.Of([vm.Apply()]));

        Assert.Equal((ViolationKind.Helper, CpuSet.Parse("0,8")), (violation.Kind, violation.Cpus));
        Assert.Contains(
            "qemu-system-x86 (1000, Denied), worker (1001, Denied), vhost-1000 (3001, Denied);",
            violation.Message
        );
    }

    [Fact]
    public void A_helper_that_is_left_to_another_program_on_a_vCPUs_CPU_is_told()
    {
        var vm = AppliedVm.Pinned().Apply();
        var helper = vm.Of(AppliedVm.Helper) with
        {
            Outcome = Outcome.Contested,
            Actual = CpuSet.Of(8),
        };

        var violation = Assert.Single(
            StrayThreads.Of([
                vm with
                {
                    Threads = vm.Threads.Replace(vm.Of(AppliedVm.Helper), helper),
                },
            ])
        );

        Assert.Contains("worker (1001, Contested)", violation.Message);
    }

    [Fact]
    public void In_audit_mode_nothing_is_moved_and_nothing_told() =>
        Assert.Empty(StrayThreads.Of([new AppliedVm().Apply(AgentMode.Audit)]));

    [Fact]
    public void The_guests_timer_belongs_with_vCPU_0_and_is_no_stray_there()
    {
        var pit = On(Vms.Thread(1060, ThreadRole.KvmPit, null, CpuSet.Of(8)), "8");
        var vm = AppliedVm.Pinned();
        var plan = vm.Plan with
        {
            Threads = vm.Plan.Threads.Add(new(pit, CpuSet.Of(0), "timer", IsConfined: true)),
        };

        Assert.Empty(StrayThreads.Of([new PlanApplier(vm.Kernel).Apply(plan, AgentMode.Enforce)]));
    }

    [Theory]
    [InlineData("1", "IO iothread1 (1050, on 1 instead of 2)", "1")]
    [InlineData("1,3", "IO iothread1 (1050, on 1,3 instead of 2)", "1,3")]
    public void An_IO_thread_confined_by_housekeeping_is_told(
        string own,
        string expected,
        string cpus
    )
    {
        var io = On(Vms.Thread(1050, ThreadRole.IoThread, 1, CpuSet.Parse(own)), own);
        var vm = AppliedVm.Pinned();
        var plan = vm.Plan with
        {
            Threads = vm.Plan.Threads.Add(new(io, CpuSet.Of(2), "supplemental", IsConfined: true)),
        };

        var violation = Assert.Single(
            StrayThreads.Of([new PlanApplier(vm.Kernel).Apply(plan, AgentMode.Enforce)])
        );

        Assert.Equal(
            (ViolationKind.Confined, CpuSet.Parse(cpus)),
            (violation.Kind, violation.Cpus)
        );
        Assert.Contains(expected, violation.Message);
    }

    [Fact]
    public void An_IO_thread_confined_to_a_vCPUs_CPU_is_told_once()
    {
        var io = On(Vms.Thread(1050, ThreadRole.IoThread, 1, CpuSet.Of(8)), "8");
        var vm = AppliedVm.Pinned();
        var plan = vm.Plan with
        {
            Threads = vm.Plan.Threads.Add(new(io, CpuSet.Of(1), "own", IsConfined: true)),
        };

        var violation = Assert.Single(
            StrayThreads.Of([new PlanApplier(vm.Kernel).Apply(plan, AgentMode.Enforce)])
        );

        Assert.Equal((ViolationKind.Helper, CpuSet.Parse("8")), (violation.Kind, violation.Cpus));
    }

    private static VmThread On(VmThread thread, string cpus) =>
        thread with
        {
            Affinity = CpuSet.Parse(cpus),
            OwnCpuset = CpuSet.Parse(cpus),
        };
}
