using System.Collections.Immutable;
using System.Globalization;
using PinAgent.Apply;
using PinAgent.Model.Changes;
using PinAgent.Model.Cpu;
using PinAgent.Model.Node;
using PinAgent.Model.Vm;
using PinAgent.Observe.Events.Foreign;
using PinAgent.Report;
using PinAgent.Report.Changes;
using PinAgent.Report.Cluster;
using PinAgent.Report.Metrics;
using PinAgent.Tests.Apply;
using PinAgent.Tests.Plan;
using PinAgent.Tests.Report.Page;
using Xunit;
using static PinAgent.Tests.Report.Changes.PassChanges;

namespace PinAgent.Tests.Report.Changes;

/// <summary>One change is one record, whoever tells of it; the cause is what there is evidence for.</summary>
public sealed class ChangeDetectorTests
{
    private static readonly VmPassResult Pinned = Pass(AppliedVm.Pinned());

    private static readonly VmPassResult Starting = new(
        new PlanApplier(new FakeKernel()).Apply(
            new Node().PassOne(
                Vms.Vm("vm1", "0-1,8", new GuestTopology(1, 1, 2)) with
                {
                    Problem = Standing.Unclear(Reason.VcpuThreadsStarting, "not all yet"),
                }
            ),
            AgentMode.Enforce
        ),
        WasHeld: false
    );

    [Fact]
    public void A_mask_that_equals_the_cpuset_was_set_by_somebody_where_no_cpuset_was_written()
    {
        var repaired = Assert.Single(Of(Astray(AppliedVm.Vcpu0), Pinned, cpusetsWritten: false));

        Assert.Equal(
            (VmChangeKind.Repaired, ChangeCause.MasksSet),
            (repaired.Kind, repaired.Cause)
        );
        Assert.Equal(1, PassFigures.Repairs([repaired]));
        Assert.Contains("somebody had set other masks", ChangeText.What(repaired));
        Assert.Equal(1, ForeignMasks(repaired));
    }

    private static int ForeignMasks(VmChange change) =>
        PassFigures
            .Of(new PassResult(PageStatuses.Slow(), [], [change], []), TimeSpan.Zero)
            .ForeignMasks;

    [Theory]
    [InlineData(0.000044, "44 µs")]
    [InlineData(0.0042, "4.2 ms")]
    [InlineData(2, "2 s")]
    public void Whom_the_kernel_names_is_named_and_for_how_long_it_stood(double ago, string after)
    {
        var deed = Deed(0xFFFF, ago, "user-1000.slice");
        // Though a cpuset was written as well, it's known who it was.
        var repaired = Assert.Single(
            Of(
                Astray(AppliedVm.Vcpu0),
                Pinned,
                cpusetsWritten: true,
                new Dictionary<int, ForeignDeed> { [AppliedVm.Vcpu0] = deed }
            )
        );

        Assert.Equal(ChangeCause.MasksSet, repaired.Cause);
        Assert.Equal(ago, repaired.UnpinnedSecondsAtMost);
        Assert.EndsWith(
            $": taskset (pid 812, user-1000.slice) had set other masks, back after {after}",
            ChangeText.What(repaired),
            StringComparison.Ordinal
        );
    }

    [Fact]
    public void Nobody_is_blamed_for_another_mask_or_another_thread()
    {
        foreach (
            var deeds in new[]
            {
                new Dictionary<int, ForeignDeed> { [AppliedVm.Vcpu0] = Deed(0x4000, 0.1) },
                new() { [AppliedVm.Vcpu0 + 1] = Deed(0xFFFF, 0.1) },
            }
        )
        {
            var repaired = Assert.Single(
                Of(Astray(AppliedVm.Vcpu0), Pinned, cpusetsWritten: false, deeds)
            );
            Assert.Null(repaired.By);
            Assert.Contains("somebody had set other masks", ChangeText.What(repaired));
        }
    }

    private static ForeignDeed Deed(ulong mask, double ago, string? place = null) =>
        new(new("taskset", 812, place), mask, TimeSpan.FromSeconds(ago));

    [Fact]
    public void Threads_with_all_CPUs_after_a_cpuset_was_written_were_reset_by_the_kernel()
    {
        var reset = Assert.Single(Of(AllAstray(), Pinned, cpusetsWritten: true));

        Assert.Equal(ChangeCause.MasksReset, reset.Cause);
        Assert.Equal(0, ForeignMasks(reset));
    }

    [Theory]
    [InlineData("/machine.slice/{0}.scope/emulator", ChangeCause.MasksReset)]
    [InlineData("/machine.slice/{0}.scope2", ChangeCause.MasksSet)]
    [InlineData("/machine.slice/other.scope", ChangeCause.MasksSet)]
    public void A_write_to_a_cpuset_explains_the_masks_of_the_VM_in_that_cgroup_and_of_no_other(
        string written,
        ChangeCause cause
    )
    {
        var vm = AllAstray();
        written = string.Format(CultureInfo.InvariantCulture, written, vm.Outcome.Plan.Vm.Key.Pid);

        Assert.Equal(cause, CauseAfter(vm, [], [written]));
    }

    [Fact]
    public void A_write_while_the_pass_before_was_looking_explains_masks_and_one_before_it_doesnt()
    {
        var vm = AllAstray();
        var own = vm.Outcome.Plan.Vm.Cgroup!.Path;

        Assert.Equal(ChangeCause.MasksReset, CauseAfter(vm, [own], []));
        Assert.Equal(ChangeCause.MasksSet, CauseAfter(vm, [own], [], []));
    }

    // What was heard by the end of each pass; the last finds the threads astray.
    private static ChangeCause CauseAfter(
        VmPassResult astray,
        params ImmutableArray<ImmutableHashSet<string>> written
    )
    {
        var detector = new ChangeDetector();
        var online = CpuSet.Parse("0-15");
        detector.After([Pinned], [], online, [], Noon);
        foreach (var heard in written[..^1])
        {
            detector.Still(heard, Noon);
        }

        return Assert.Single(detector.After([astray], [], online, written[^1], Noon)).Cause;
    }

    [Fact]
    public void Where_nobody_listens_one_thread_among_others_was_moved_and_all_at_once_is_unknown()
    {
        Assert.Equal(
            ChangeCause.MasksSet,
            Assert.Single(Of(Astray(AppliedVm.Vcpu0), Pinned)).Cause
        );
        var unknown = Assert.Single(Of(AllAstray(), Pinned));
        Assert.Equal(ChangeCause.Unknown, unknown.Cause);
        Assert.Null(ChangeText.Likely(unknown.Cause));
    }

    [Fact]
    public void A_pinned_VM_whose_cpuset_moves_is_one_change_for_event_history_counter_and_log()
    {
        var before = Pinned with { Status = Pinned.Status with { Cpuset = CpuSet.Parse("4-6") } };
        var moved = Assert.Single(Of(AllAstray(), before, cpusetsWritten: true));

        Assert.Equal(
            (VmChangeKind.Moved, ChangeCause.CpusetChanged, "4-6", "0-1,8"),
            (moved.Kind, moved.Cause, moved.CpusetBefore, moved.Cpuset)
        );
        Assert.Equal(moved.Threads.Length, PassFigures.Repairs([moved]));
        Assert.StartsWith("its cpuset changed from 4-6 to 0-1,8; pinned", ChangeText.What(moved));
    }

    [Fact]
    public void What_the_CPUs_were_before_is_told_of_a_VM_that_never_was_right_too()
    {
        var before = Pinned with
        {
            Status = Pinned.Status with
            {
                Cpuset = CpuSet.Parse("4-6"),
                State = VmState.PartlyPinned,
                Reason = Reason.Narrowed,
            },
        };

        Assert.Equal("4-6", Of(AllAstray(), before)[0].CpusetBefore);
    }

    [Fact]
    public void Threads_that_are_new_are_placed_and_nobody_has_strayed()
    {
        var before = Pinned with
        {
            Outcome = Pinned.Outcome with
            {
                Threads = Pinned.Outcome.Threads.RemoveAll(thread =>
                    thread.Planned.Thread.Tid == AppliedVm.Vhost
                ),
            },
        };
        var placed = Assert.Single(Of(Astray(AppliedVm.Vhost), before, cpusetsWritten: false));

        Assert.Equal(
            (VmChangeKind.ThreadsPlaced, ChangeCause.NewThreads, (double?)null),
            (placed.Kind, placed.Cause, placed.UnpinnedSecondsAtMost)
        );
        Assert.Equal(0, PassFigures.Repairs([placed]));
    }

    [Fact]
    public void Release_and_its_undo_are_the_administrators_doing()
    {
        var released = Released(Pinned);
        var given = Assert.Single(Of(released, Pinned));
        var taken = Assert.Single(Of(Pass(new AppliedVm()), released));

        Assert.Equal(
            (VmChangeKind.Released, ChangeCause.Administrator, Reason.Released),
            (given.Kind, given.Cause, given.Reason)
        );
        Assert.Equal((VmChangeKind.TakenUp, ChangeCause.Administrator), (taken.Kind, taken.Cause));
        Assert.False(Objective.IsConcerned(released.Status));
    }

    [Fact]
    public void The_emulators_CPU_that_was_lost_with_a_cpuset_is_a_change_of_its_own()
    {
        var before = Pinned with
        {
            Status = Pinned.Status with
            {
                Cpuset = CpuSet.Parse("0-2,8"),
                Guest = Pinned.Status.Guest with { IsolateEmulatorThread = true },
            },
        };
        var now = Pinned with
        {
            Status = Pinned.Status with
            {
                Guest = Pinned.Status.Guest with { IsolateEmulatorThread = false },
            },
        };

        var lost = Assert.Single(Of(now, before));
        Assert.Equal(VmChangeKind.IsolationLost, lost.Kind);
        Assert.Contains("none is left for the emulator alone", ChangeText.What(lost));
    }

    [Fact]
    public void A_violation_begins_and_ends_for_each_VM_whose_CPUs_it_is_about_and_other_figures_are_the_same_one()
    {
        var detector = new ChangeDetector();
        var stranger = new Violation(
            ViolationKind.Stranger,
            CpuSet.Parse("8"),
            "stress (pid 7) ran there"
        );
        detector.After([Pinned], [], CpuSet.Parse("0-15"), [], Noon);

        var begun = Assert.Single(
            detector.After([Pinned], [stranger], CpuSet.Parse("0-15"), [], Noon)
        );
        Assert.Empty(
            detector.After(
                [Pinned],
                [stranger with { Message = "for 9 s" }],
                CpuSet.Parse("0-15"),
                [],
                Noon
            )
        );
        var ended = Assert.Single(detector.After([Pinned], [], CpuSet.Parse("0-15"), [], Noon));

        Assert.Equal(
            (VmChangeKind.ViolationBegun, ChangeCause.Neighbours, "vm1"),
            (begun.Kind, begun.Cause, begun.Name)
        );
        Assert.Contains("stress (pid 7) ran there", ChangeText.What(begun));
        Assert.Equal(VmChangeKind.ViolationEnded, ended.Kind);
        Assert.Empty(
            detector.After(
                [Pinned],
                [stranger with { Cpus = CpuSet.Parse("14") }],
                CpuSet.Parse("0-15"),
                [],
                Noon
            )
        );
    }

    [Fact]
    public void Who_disturbs_a_VM_is_kept_with_the_violation_and_is_no_writer_of_its_masks()
    {
        var detector = new ChangeDetector();
        var online = CpuSet.Parse("0-15");
        var stranger = new Violation(
            ViolationKind.Stranger,
            CpuSet.Parse("8"),
            "stress (pid 7) ran there"
        )
        {
            By = "stress (pid 7, 1 thread)",
        };
        detector.After([Pinned], [], online, [], Noon);

        var begun = detector.After([Pinned], [stranger], online, [], Noon);
        var ended = detector.After([Pinned], [], online, [], Noon);

        Assert.Equal("stress (pid 7, 1 thread)", Assert.Single(begun).By);
        Assert.Equal("stress (pid 7, 1 thread)", Assert.Single(ended).By);
        Assert.Empty(ChangeDetector.Writers([.. begun, .. ended]));
        Assert.Empty(PassFigures.Of(new(PageStatuses.Slow(), [], begun, []), null).Writers);
        var taskset = Assert.Single(
            Of(
                Astray(AppliedVm.Vcpu0),
                Pinned,
                cpusetsWritten: false,
                new Dictionary<int, ForeignDeed> { [AppliedVm.Vcpu0] = Deed(0xFFFF, 0.1) }
            )
        );
        Assert.Equal("taskset (pid 812)", Assert.Single(ChangeDetector.Writers([taskset])).By);
    }

    [Fact]
    public void A_violation_that_comes_to_concern_others_too_is_no_news_to_a_VM()
    {
        var detector = new ChangeDetector();
        var everywhere = new Violation(
            ViolationKind.Stranger,
            CpuSet.Parse("8"),
            "62 processes may run on every CPU"
        );
        var online = CpuSet.Parse("0-15");
        detector.After([Pinned], [everywhere], online, [], Noon);

        Assert.Empty(
            detector.After(
                [Pinned],
                [everywhere with { Cpus = CpuSet.Parse("8,14") }],
                online,
                [],
                Noon
            )
        );
    }

    [Fact]
    public void A_VM_that_ends_is_told_once_and_nothing_of_one_that_stands_as_it_stood()
    {
        var detector = new ChangeDetector();
        Assert.Equal(
            VmChangeKind.Begun,
            Assert.Single(detector.After([Pinned], [], CpuSet.Parse("0-15"), [], Noon)).Kind
        );
        Assert.Empty(detector.After([Pinned], [], CpuSet.Parse("0-15"), [], Noon));
        Assert.Equal(
            VmChangeKind.Ended,
            Assert.Single(detector.After([], [], CpuSet.Parse("0-15"), [], Noon)).Kind
        );
        Assert.Empty(detector.After([], [], CpuSet.Parse("0-15"), [], Noon));
    }

    [Theory]
    [InlineData(true, ChangeCause.Manager, false, "Pinned")]
    [InlineData(false, ChangeCause.AnotherProgram, true, "PinningAdopted")]
    public void What_a_manager_has_set_as_the_VM_began_is_told_and_no_warning(
        bool isBeingPlaced,
        ChangeCause cause,
        bool isWarning,
        string what
    )
    {
        var pinned = AppliedVm.Pinned();
        var plan = pinned.Plan with { Adopted = "held", IsBeingPlaced = isBeingPlaced };
        var outcome = new PlanApplier(pinned.Kernel).Apply(plan, AgentMode.Enforce);

        var adopted = Assert.Single(Of(new VmPassResult(outcome, WasHeld: true), Pinned));

        Assert.Equal((VmChangeKind.Adopted, cause), (adopted.Kind, adopted.Cause));
        Assert.Equal(isWarning, ChangeText.IsWarning(adopted));
        Assert.Equal("held", ChangeText.What(adopted));
        Assert.Equal(what, $"{VmEvent.Of(adopted)?.Kind}");
    }

    [Fact]
    public void What_a_manager_has_set_before_the_VM_was_told_as_pinned_is_its_beginning()
    {
        var pinned = AppliedVm.Pinned();
        var plan = pinned.Plan with { Adopted = "held", IsBeingPlaced = true };
        var outcome = new PlanApplier(pinned.Kernel).Apply(plan, AgentMode.Enforce);
        var vm = new VmPassResult(outcome, WasHeld: true);

        Assert.Equal(VmChangeKind.Begun, Assert.Single(Of(vm, Starting)).Kind);
        Assert.Equal(VmChangeKind.Begun, Assert.Single(Of(vm, null)).Kind);
    }

    [Fact]
    public void A_VM_that_is_met_without_its_vCPUs_on_its_way_out_is_told_as_ended_and_as_it_was()
    {
        var detector = new ChangeDetector();
        detector.After([Pinned], [], CpuSet.Parse("0-15"), [], Noon);
        detector.After([Starting], [], CpuSet.Parse("0-15"), [], Noon);

        var ended = Assert.Single(detector.After([], [], CpuSet.Parse("0-15"), [], Noon));

        Assert.Equal((VmChangeKind.Ended, VmState.Pinned), (ended.Kind, ended.State));
        Assert.Null(ended.Reason);
    }

    [Fact]
    public void One_that_never_had_its_vCPUs_ends_unsaid()
    {
        var detector = new ChangeDetector();
        detector.After([Starting], [], CpuSet.Parse("0-15"), [], Noon);

        Assert.Empty(detector.After([], [], CpuSet.Parse("0-15"), [], Noon));
    }

    [Fact]
    public void Every_kind_and_every_cause_has_its_words()
    {
        foreach (var kind in Enum.GetValues<VmChangeKind>())
        {
            Assert.NotEmpty(
                ChangeText.What(
                    new VmChange
                    {
                        At = Noon,
                        Kind = kind,
                        Cause = ChangeCause.Met,
                    }
                )
            );
        }

        foreach (var cause in Enum.GetValues<ChangeCause>())
        {
            var change = new VmChange
            {
                At = Noon,
                Kind = VmChangeKind.Begun,
                Cause = cause,
            };
            Assert.NotEmpty(ChangeText.Why(change));
        }
    }

    private static VmPassResult Released(VmPassResult vm) =>
        new(
            vm.Outcome with
            {
                Plan = vm.Outcome.Plan.Judged(verdict => verdict with { IsReleased = true }),
            },
            WasHeld: false
        );

    private static VmPassResult AllAstray() => Pass(new AppliedVm(), wasHeld: true);

    // One thread has all CPUs of the VM's cpuset, as taskset or a new thread's maker gives it.
    private static VmPassResult Astray(int tid)
    {
        var vm = AppliedVm.Pinned(thread =>
            thread.Tid == tid ? thread with { Affinity = CpuSet.Parse("0-1,8") } : thread
        );
        return Pass(vm, wasHeld: true);
    }

    private static VmPassResult Pass(AppliedVm vm, bool wasHeld = false) =>
        new(vm.Apply(), wasHeld);
}
