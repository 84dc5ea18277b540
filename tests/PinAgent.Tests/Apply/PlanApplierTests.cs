using Moq;
using PinAgent.Apply;
using PinAgent.Model.Cpu;
using PinAgent.Model.Node;
using PinAgent.Model.Vm;
using PinAgent.NativeInterop;
using PinAgent.Report.Status;
using PinAgent.Tests.Plan;
using Xunit;
using static PinAgent.Tests.Apply.AppliedVm;

namespace PinAgent.Tests.Apply;

/// <summary>What is written to the kernel, and what is made of its answers.</summary>
public sealed class PlanApplierTests
{
    [Fact]
    public void Every_thread_that_is_not_where_it_belongs_is_put_there()
    {
        var vm = new AppliedVm();

        var outcome = vm.Apply();

        Assert.Equal("Applied Applied Applied Applied Applied", outcome.All());
        Assert.Equal(["1000=1", "1001=1", "1010=0", "1011=8", "3001=1"], vm.Kernel.Written);
        Assert.Equal("8", outcome.Of(Vcpu1).Actual?.ToString());
        Assert.All(outcome.Threads, thread => Assert.True(thread.IsChange));
    }

    [Fact]
    public void A_VM_that_is_right_already_costs_no_call_at_all()
    {
        var kernel = new Mock<IThreadAffinity>(MockBehavior.Strict);

        var outcome = new PlanApplier(kernel.Object).Apply(Pinned().Plan, AgentMode.Enforce);

        Assert.All(outcome.Threads, thread => Assert.Equal(Outcome.AlreadyRight, thread.Outcome));
        Assert.All(outcome.Threads, thread => Assert.False(thread.IsChange));
        kernel.VerifyNoOtherCalls();
    }

    [Fact]
    public void Only_the_thread_that_differs_is_written()
    {
        var vm = new AppliedVm(thread =>
            thread.Tid switch
            {
                Vcpu0 => thread with { Affinity = CpuSet.Of(0) },
                Vcpu1 => thread with { Affinity = CpuSet.Parse("0,8") },
                _ => thread with { Affinity = CpuSet.Of(1) },
            }
        );

        var outcome = vm.Apply();

        Assert.Equal(["1011=8"], vm.Kernel.Written);
        Assert.Equal("AlreadyRight AlreadyRight AlreadyRight Applied AlreadyRight", outcome.All());
    }

    [Fact]
    public void Audit_mode_writes_nothing_and_tells_what_it_would_do()
    {
        var kernel = new Mock<IThreadAffinity>(MockBehavior.Strict);

        var outcome = new PlanApplier(kernel.Object).Apply(new AppliedVm().Plan, AgentMode.Audit);

        Assert.Equal("Planned Planned Planned Planned Planned", outcome.All());
        Assert.Equal("0-1,8", outcome.Of(Vcpu0).Actual?.ToString());
        kernel.VerifyNoOtherCalls();
    }

    [Fact]
    public void A_VM_with_an_obstacle_is_not_touched()
    {
        var vm = new AppliedVm();
        var refused = vm.Plan with
        {
            Threads = [.. vm.Plan.Threads.Select(thread => thread with { Wanted = null })],
        };

        var outcome = new PlanApplier(vm.Kernel).Apply(refused, AgentMode.Enforce);

        Assert.Equal("- - - - -", outcome.All());
        Assert.Empty(vm.Kernel.Written);
    }

    [Fact]
    public void A_mask_the_kernel_silently_narrowed_is_told()
    {
        // Not isolated: the emulator may use both CPUs, but CPU 8 has just been taken from its cpuset.
        var found = Vms.Vm("vm1", "0,8", new GuestTopology(1, 1, 2)).Running("0 8", emulator: "0");
        var vm = new AppliedVm { Plan = new Node().PassOne(found) };
        vm.Kernel[Emulator].Cpuset = CpuSet.Of(0);

        var emulator = vm.Apply().Of(Emulator);

        Assert.Equal(Outcome.Narrowed, emulator.Outcome);
        Assert.Equal("0", emulator.Actual?.ToString());
        Assert.True(emulator.IsChange);
    }

    [Fact]
    public void A_thread_that_ended_is_gone_and_the_others_are_still_placed()
    {
        var vm = new AppliedVm();
        vm.Kernel.Remove(Vcpu0);

        var outcome = vm.Apply();

        Assert.Equal("Applied Applied ThreadGone Applied Applied", outcome.All());
        Assert.Null(outcome.Of(Vcpu0).Actual);
    }

    [Fact]
    public void A_thread_that_ends_while_it_is_set_is_gone()
    {
        var vm = new AppliedVm();
        vm.Kernel.AfterSet = tid =>
        {
            if (tid == Vcpu0)
            {
                vm.Kernel.Remove(tid);
            }
        };

        Assert.Equal("Applied Applied ThreadGone Applied Applied", vm.Apply().All());
    }

    [Theory]
    [InlineData(Errno.EPERM)]
    [InlineData(Errno.EACCES)]
    public void A_thread_the_agent_may_not_move_is_denied_and_the_others_are_still_placed(
        Errno refused
    )
    {
        var vm = new AppliedVm();
        vm.Kernel[Vcpu0].SetFails = refused;

        var outcome = vm.Apply();

        Assert.Equal("Applied Applied Denied Applied Applied", outcome.All());
        Assert.Equal("0-1,8", outcome.Of(Vcpu0).Actual?.ToString());
        Assert.False(outcome.Of(Vcpu0).IsChange);
    }

    [Theory]
    [InlineData(Errno.EPERM, Errno.EPERM)]
    [InlineData(Errno.None, Errno.EACCES)]
    public void A_thread_whose_mask_may_not_even_be_read_is_denied(Errno set, Errno get)
    {
        // A security module has hooks for both calls.
        var vm = new AppliedVm();
        (vm.Kernel[Vcpu0].SetFails, vm.Kernel[Vcpu0].GetFails) = (set, get);

        var outcome = vm.Apply();

        Assert.Equal("Applied Applied Denied Applied Applied", outcome.All());
        Assert.Null(outcome.Of(Vcpu0).Actual);
    }

    [Fact]
    public void A_thread_whose_cgroup_lost_the_CPU_meanwhile_is_confined()
    {
        var vm = new AppliedVm();
        vm.Kernel[Vcpu0].Cpuset = CpuSet.Of(8);

        var outcome = vm.Apply().Of(Vcpu0);

        Assert.Equal(Outcome.Confined, outcome.Outcome);
        Assert.Equal("0-1,8", outcome.Actual?.ToString());
    }

    [Fact]
    public void A_thread_known_to_be_confined_is_not_tried()
    {
        var vm = new AppliedVm(thread =>
            thread.Tid == Helper ? thread with { OwnCpuset = CpuSet.Of(5) } : thread
        );

        var outcome = vm.Apply();

        Assert.Equal(Outcome.Confined, outcome.Of(Helper).Outcome);
        Assert.DoesNotContain("1001=1", vm.Kernel.Written);
    }

    [Fact]
    public void A_kernel_thread_that_several_VMs_could_own_is_left_alone()
    {
        var vm = new AppliedVm(thread =>
            thread.Tid == Vhost ? thread with { IsAmbiguous = true } : thread
        );

        Assert.Equal(Outcome.Ambiguous, vm.Apply().Of(Vhost).Outcome);
        Assert.DoesNotContain("3001=1", vm.Kernel.Written);
    }

    [Fact]
    public void A_thread_whose_mask_could_not_be_read_before_is_gone()
    {
        var vm = new AppliedVm(thread =>
            thread.Tid == Helper ? thread with { Affinity = null } : thread
        );

        Assert.Equal(Outcome.ThreadGone, vm.Apply().Of(Helper).Outcome);
    }

    [Fact]
    public void A_thread_id_that_belongs_to_another_thread_by_now_is_not_written()
    {
        var vm = new AppliedVm();
        vm.Kernel[Vcpu0].StartTime++;

        Assert.Equal(Outcome.ThreadGone, vm.Apply().Of(Vcpu0).Outcome);
        Assert.DoesNotContain("1010=0", vm.Kernel.Written);
    }

    [Theory]
    [InlineData(Errno.EMFILE)]
    [InlineData(Errno.ENOMEM)]
    public void A_thread_of_which_it_cannot_be_told_whether_it_is_the_one_is_not_written_nor_gone(
        Errno shortage
    )
    {
        var vm = new AppliedVm();
        vm.Kernel[Vcpu0].StatFails = shortage;

        var outcome = vm.Apply().Of(Vcpu0);

        Assert.Equal((Outcome.Denied, shortage), (outcome.Outcome, outcome.Error));
        Assert.DoesNotContain("1010=0", vm.Kernel.Written);
    }

    [Fact]
    public void A_thread_id_that_was_given_away_while_it_was_set_is_told_as_gone()
    {
        var vm = new AppliedVm();
        vm.Kernel.AfterSet = tid => vm.Kernel[tid].StartTime++;

        Assert.All(vm.Apply().Threads, thread => Assert.Equal(Outcome.ThreadGone, thread.Outcome));
    }

    [Fact]
    public void An_error_nobody_expects_is_kept_and_doesnt_hold_up_the_other_threads()
    {
        var vm = new AppliedVm();
        vm.Kernel[Vcpu0].SetFails = Errno.EIO;

        var outcome = vm.Apply();

        var refused = outcome.Threads.Single(thread => thread.Planned.Thread.Tid == Vcpu0);
        Assert.Equal((Outcome.Denied, Errno.EIO), (refused.Outcome, refused.Error));
        Assert.All(
            outcome.Threads.Remove(refused),
            thread => Assert.Equal(Outcome.Applied, thread.Outcome)
        );
        var status = StatusBuilder.Build(outcome);
        Assert.Equal((VmState.PartlyPinned, Reason.KernelRefused), (status.State, status.Reason));
        Assert.Contains("CPU 0/KVM (1010): input/output error (EIO)", status.Message);
    }
}
