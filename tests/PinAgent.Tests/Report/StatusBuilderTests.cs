using PinAgent.Apply;
using PinAgent.Model.Cpu;
using PinAgent.Model.Node;
using PinAgent.Model.Vm;
using PinAgent.NativeInterop;
using PinAgent.Report.Status;
using PinAgent.Tests.Apply;
using PinAgent.Tests.Plan;
using Xunit;
using static PinAgent.Tests.Apply.AppliedVm;

namespace PinAgent.Tests.Report;

/// <summary>How a VM stands, by what came of its threads.</summary>
public sealed class StatusBuilderTests
{
    [Fact]
    public void A_VM_whose_threads_are_all_in_place_is_pinned_whether_they_were_or_are_now()
    {
        AssertStanding(VmState.Pinned, null, new AppliedVm().Status());
        AssertStanding(VmState.Pinned, null, Pinned().Status());
        AssertStanding(VmState.Pinned, null, Pinned().Status(AgentMode.Audit));
    }

    [Fact]
    public void In_audit_mode_a_VM_with_something_to_do_waits_and_says_how_much()
    {
        var status = new AppliedVm().Status(AgentMode.Audit);

        AssertStanding(VmState.Waiting, Reason.AuditMode, status);
        Assert.Equal("audit mode: 5 of 5 threads would be moved", status.Message);
        Assert.Equal("0", status.Threads.Single(thread => thread.Tid == Vcpu0).Wanted?.ToString());
        Assert.Equal(
            "0-1,8",
            status.Threads.Single(thread => thread.Tid == Vcpu0).Actual?.ToString()
        );
    }

    [Fact]
    public void A_VM_whose_every_call_is_denied_is_partly_pinned_for_want_of_the_capability()
    {
        var vm = new AppliedVm();
        foreach (var thread in vm.Plan.Threads)
        {
            vm.Kernel[thread.Thread.Tid].SetFails = Errno.EPERM;
        }

        var status = vm.Status();

        AssertStanding(VmState.PartlyPinned, Reason.PermissionMissing, status);
        Assert.Contains("CPU 0/KVM (1010), CPU 1/KVM (1011)", status.Message);
        Assert.Contains("CAP_SYS_NICE", status.Message);
    }

    [Theory]
    [InlineData(Vcpu0)]
    [InlineData(Helper)]
    public void One_thread_denied_is_enough(int tid)
    {
        var vm = new AppliedVm();
        vm.Kernel[tid].SetFails = Errno.EPERM;

        AssertStanding(VmState.PartlyPinned, Reason.PermissionMissing, vm.Status());
    }

    [Fact]
    public void A_VM_that_lost_a_vCPU_thread_meanwhile_waits_for_the_next_pass()
    {
        var vm = new AppliedVm();
        vm.Kernel.Remove(Vcpu1);

        var status = vm.Status();

        AssertStanding(VmState.Waiting, Reason.ThreadGone, status);
        Assert.Contains("CPU 1/KVM (1011)", status.Message);
        Assert.Null(status.Threads.Single(thread => thread.Tid == Vcpu1).Actual);
    }

    [Fact]
    public void A_helper_that_ended_meanwhile_is_nobodys_concern()
    {
        var vm = new AppliedVm();
        vm.Kernel.Remove(Helper);

        AssertStanding(VmState.Pinned, null, vm.Status());
    }

    [Fact]
    public void A_vCPU_that_its_own_cgroup_confines_unpins_the_VM()
    {
        var vm = new AppliedVm(thread =>
            thread.Tid == Vcpu0 ? thread with { OwnCpuset = CpuSet.Of(5) } : thread
        );

        AssertStanding(VmState.PartlyPinned, Reason.Confined, vm.Status());
    }

    [Fact]
    public void A_helper_that_its_own_cgroup_confines_does_not_unpin_the_VM_and_is_advised()
    {
        var vm = new AppliedVm(thread =>
            thread.Tid == Helper ? thread with { OwnCpuset = CpuSet.Of(5) } : thread
        );

        var status = vm.Status();

        AssertStanding(VmState.Pinned, null, status);
        Assert.StartsWith("worker (1001): confined", Assert.Single(status.Advisories));
        Assert.Equal(
            Outcome.Confined,
            status.Threads.Single(thread => thread.Tid == Helper).Outcome
        );
    }

    [Fact]
    public void A_kernel_thread_that_several_VMs_could_own_is_advised()
    {
        var vm = new AppliedVm(thread =>
            thread.Tid == Vhost ? thread with { IsAmbiguous = true } : thread
        );

        var status = vm.Status();

        AssertStanding(VmState.Pinned, null, status);
        Assert.StartsWith("vhost-1000 (3001): several VMs", Assert.Single(status.Advisories));
    }

    [Fact]
    public void A_mask_that_was_narrowed_makes_the_VM_partly_pinned()
    {
        var vm = new AppliedVm();
        var plan = vm.Plan with
        {
            Threads =
            [
                .. vm.Plan.Threads.Select(thread =>
                    thread.Thread.Tid == Emulator
                        ? thread with
                        {
                            Wanted = CpuSet.Parse("0-2"),
                        }
                        : thread
                ),
            ],
        };
        vm.Kernel[Emulator].Cpuset = CpuSet.Parse("0-1");

        var status = StatusBuilder.Build(new PlanApplier(vm.Kernel).Apply(plan, AgentMode.Enforce));

        AssertStanding(VmState.PartlyPinned, Reason.Narrowed, status);
    }

    [Fact]
    public void What_an_administrator_can_mend_is_told_before_what_passes()
    {
        var vm = new AppliedVm();
        vm.Kernel[Vcpu0].SetFails = Errno.EPERM;
        vm.Kernel.Remove(Vcpu1);

        AssertStanding(VmState.PartlyPinned, Reason.PermissionMissing, vm.Status());
    }

    [Theory]
    [InlineData(VmState.Refused, Reason.NotEnoughCpus)]
    [InlineData(VmState.NotDedicated, Reason.NotNamed)]
    [InlineData(VmState.NotExclusive, Reason.CpusetIsSharedPool)]
    [InlineData(VmState.Waiting, Reason.VcpuThreadsStarting)]
    public void A_VM_with_an_obstacle_stands_as_the_obstacle_says(VmState state, Reason reason)
    {
        var plan = new AppliedVm().Plan;
        var hindered = plan with
        {
            Obstacle = new Standing(state, reason, "the sentence"),
            Threads = [.. plan.Threads.Select(thread => thread with { Wanted = null })],
            Advisories = ["by the plan"],
        };

        var status = StatusBuilder.Build(
            new PlanApplier(new FakeKernel()).Apply(hindered, AgentMode.Enforce)
        );

        AssertStanding(state, reason, status);
        Assert.Equal("the sentence", status.Message);
        Assert.Equal(["by the plan"], status.Advisories);
        Assert.All(status.Threads, thread => Assert.Null(thread.Wanted));
        Assert.All(status.Threads, thread => Assert.Null(thread.Outcome));
        Assert.All(status.Threads, thread => Assert.Equal("0-1,8", thread.Actual?.ToString()));
    }

    [Fact]
    public void Whatever_an_owner_has_written_is_fit_for_a_terminal()
    {
        const string Hostile = "\u001b[2J\u202e\n";
        var plan = new AppliedVm().Plan;
        var status = StatusBuilder.Build(
            new PlanApplier(new FakeKernel()).Apply(
                plan.Judged(verdict => verdict with { Namespace = Hostile, Name = Hostile }) with
                {
                    Obstacle = new Standing(VmState.Waiting, Reason.Unreadable, Hostile),
                    Advisories = [Hostile],
                },
                AgentMode.Enforce
            )
        );

        Assert.All(
            [status.Namespace, status.Name, status.Message, .. status.Advisories],
            text => Assert.Equal("\ufffd[2J\ufffd\ufffd", text)
        );
    }

    private static void AssertStanding(VmState state, Reason? reason, VmStatus status)
    {
        Assert.Equal((state, reason), (status.State, status.Reason));
        Assert.Equal(reason is null, status.Message is null);
    }
}
