using PinAgent.Loop;
using PinAgent.Model.Changes;
using PinAgent.Model.Node;
using PinAgent.Model.Vm;
using PinAgent.NativeInterop;
using PinAgent.Observe.Events;
using PinAgent.Report;
using PinAgent.State;
using Xunit;

namespace PinAgent.Tests.Loop;

/// <summary>Where nothing changes, a pass does nothing; where something does, or wasn't done, it does it.</summary>
public sealed class RestTests : IDisposable
{
    private readonly OneVmHost _one = new();

    private FakeHost Host => _one.Host;

    private FakeProcess Qemu => _one.Qemu;

    private OneVmHost.FakeKernel Kernel => _one.Kernel;

    private PinPass Pass => _one.Pass;

    [Fact]
    public void What_has_come_to_rest_returns_the_very_same_result_and_writes_nothing()
    {
        var result = Settle();

        Assert.Same(result, LookForChanges());
        Assert.Equal(VmState.Pinned, Assert.Single(result.Status.Vms).State);
    }

    [Fact]
    public void A_mask_set_by_hand_is_put_back_once()
    {
        Settle();
        Kernel.Cpus(101, "2-3");
        var sets = Kernel.Sets;

        var repaired = Assert.Single(LookForChanges().Vms);
        Assert.True(repaired.WasHeld);
        Assert.Equal(sets + 1, Kernel.Sets);

        var rest = Settle();
        Assert.Equal(sets + 1, Kernel.Sets);
        Assert.Equal(1, rest.Status.Drift.Repairs);
    }

    [Fact]
    public void Where_masks_are_told_of_theirs_arent_read_and_that_a_thread_came_is_seen()
    {
        var rest = Settle();
        Kernel.Cpus(101, "2-3");
        Assert.Same(rest, LookForUntold());

        Qemu.Thread(103, "worker");
        Assert.Equal(4, LookForUntold().Status.Vms[0].Threads.Length);

        PassResult LookForUntold() => Pass.Run(PassScope.Untold, [], () => []);
    }

    [Fact]
    public void What_the_kernel_has_refused_is_tried_again_though_nothing_changes()
    {
        Kernel.Refusal = Errno.EPERM;
        Pass.Run();
        LookForChanges();
        LookForChanges();

        Kernel.Refusal = Errno.None;

        Assert.Equal(VmState.Pinned, LookForChanges().Status.Vms[0].State);
    }

    [Fact]
    public void Another_mode_and_a_VM_given_back_hold_at_once()
    {
        Settle();
        _one.Mode = AgentMode.Audit;
        Assert.Equal(AgentMode.Audit, LookForChanges().Status.Mode);

        _one.Mode = AgentMode.Enforce;
        Settle();
        new ReleasedVms(Host.PathOf("/state/released.json")).Change(
            [
                new ReleasedVm
                {
                    Namespace = "host",
                    Name = "vm1",
                    Key = LookForChanges().Vms[0].Outcome.Plan.Vm.Key,
                },
            ],
            []
        );
        Assert.True(LookForChanges().Status.Vms[0].Released);
    }

    /// <summary>A QEMU that starts names its threads one after the other.</summary>
    [Fact]
    public void Threads_that_name_themselves_meanwhile_are_pinned_before_the_first_is_told_of()
    {
        Settle();
        var sets = Kernel.Sets;
        Qemu.Thread(103, "IO iothread1");

        var result = Pass.Run(PassScope.Named, [new NamedThread(103, 100, 1)], More);

        // With a second I/O thread, the first gets another place.
        Assert.Equal(sets + 3, Kernel.Sets);
        var vm = Assert.Single(result.Vms);
        Assert.Equal(
            [(103, "0-15", "3"), (104, "0-15", "2")],
            vm.Outcome.Threads.Where(thread => thread.IsChange)
                .Select(thread =>
                    (
                        thread.Planned.Thread.Tid,
                        $"{thread.Planned.Thread.Affinity}",
                        $"{thread.Actual}"
                    )
                )
        );
        Assert.Equal(2, result.PinTimes.Count);
        Assert.Equal(VmState.Pinned, vm.Status.State);
        Assert.Same(Settle(), LookForChanges());

        IReadOnlyList<NamedThread> More()
        {
            if (Directory.Exists(Host.PathOf("/proc/100/task/104")))
            {
                return [];
            }

            Assert.Equal(sets + 1, Kernel.Sets);
            Qemu.Thread(104, "IO iothread2");
            return [new NamedThread(104, 100, 2)];
        }
    }

    /// <summary>The look for changes sees the thread, and only then it gets its name and the VM another placement.</summary>
    [Fact]
    public void A_VM_that_is_placed_anew_meanwhile_is_no_repair()
    {
        var isNamed = false;
        Settle();
        Qemu.Thread(103, "worker", cpus: "2-3");

        var result = Pass.Run(PassScope.Changes, [], More);

        var vm = Assert.Single(result.Vms);
        Assert.Contains(vm.Outcome.Threads, thread => thread.IsChange);
        Assert.False(vm.WasHeld);
        Assert.Equal(0, result.Status.Drift.Repairs);

        IReadOnlyList<NamedThread> More()
        {
            if (isNamed)
            {
                return [];
            }

            isNamed = true;
            Qemu.Thread(103, "IO iothread1", cpus: "0-15");
            return [new NamedThread(103, 100, 1)];
        }
    }

    /// <summary>As the kernel's worker that a vCPU's thread makes, a second after the guest's start.</summary>
    [Fact]
    public void A_new_thread_that_is_put_in_its_place_is_no_repair_and_no_contest()
    {
        var isNamed = false;
        Settle();
        Qemu.Thread(103, "worker", cpus: "2");

        var result = Pass.Run(PassScope.Named, [new NamedThread(103, 100, 1)], More);

        var vm = Assert.Single(result.Vms);
        var changed = Assert.Single(vm.Outcome.Threads, thread => thread.IsChange);
        Assert.Equal((103, "2-3"), (changed.Planned.Thread.Tid, $"{changed.Actual}"));
        Assert.True(vm.WasHeld);
        Assert.DoesNotContain(result.Changes, change => change.Kind == VmChangeKind.Repaired);
        Assert.Empty(vm.PutBack);
        Assert.Equal(0, result.Status.Drift.Repairs);

        Settle();
        Kernel.Cpus(103, "2");
        var repaired = LookForChanges();
        Assert.Equal(VmChangeKind.Repaired, Assert.Single(repaired.Changes).Kind);
        Assert.Equal(1, repaired.Status.Drift.Repairs);

        // It's known by the second round, and what came of the first is told with it.
        IReadOnlyList<NamedThread> More()
        {
            var first = !isNamed;
            isNamed = true;
            return first ? [new NamedThread(103, 100, 2)] : [];
        }
    }

    /// <summary>The look for changes alone counts threads, and doesn't see that one has another name.</summary>
    [Fact]
    public void A_thread_that_names_itself_when_a_look_for_changes_is_due_is_seen()
    {
        Qemu.Thread(103, "worker");
        Settle();
        Qemu.Thread(103, "IO iothread1");

        var result = Pass.Run(PassScope.Changes, [new NamedThread(103, 100, 1)], () => []);

        Assert.Contains(
            result.Status.Vms[0].Threads,
            thread => thread is { Tid: 103, Role: ThreadRole.IoThread }
        );
    }

    public void Dispose() => _one.Dispose();

    private PassResult LookForChanges() => _one.LookForChanges();

    private PassResult Settle() => _one.Settle();
}
