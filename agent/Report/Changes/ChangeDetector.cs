using System.Collections.Immutable;
using PinAgent.Apply;
using PinAgent.Model.Changes;
using PinAgent.Model.Cpu;
using PinAgent.Model.Node;
using PinAgent.Model.Vm;
using PinAgent.Observe.Events.Foreign;
using PinAgent.Report.Status;

namespace PinAgent.Report.Changes;

/// <summary>
/// The one judge of what happened between two passes, and why: from what both saw, and what was heard meanwhile. Log, events,
/// history, counters and page put its records into words.
/// </summary>
internal sealed class ChangeDetector
{
    private readonly Dictionary<VmKey, Seen> _seen = [];
    private ImmutableArray<Violation> _violations = [];
    private ImmutableHashSet<string>? _written;
    private CpuSet _online = CpuSet.Empty;
    private DateTimeOffset _now;

    /// <summary>Who has changed VMs' threads, as far as that is known.</summary>
    public static IEnumerable<(VmKey Vm, string By)> Writers(IEnumerable<VmChange> changes) =>
        changes
            // Who only disturbs a VM has changed none of its threads.
            .Where(change => change is { Key: not null, By: not null, Threads.IsEmpty: false })
            .Select(change => (change.Key!.Value, change.By!));

    /// <summary>A pass came to the same as the one before.</summary>
    public void Still(ImmutableHashSet<string>? cpusetsWritten, DateTimeOffset now) =>
        (_written, _now) = (cpusetsWritten, now);

    /// <summary>What has happened by the end of a pass.</summary>
    /// <param name="cpusetsWritten">The cgroups whose cpusets were written since; null where nobody listens.</param>
    /// <param name="deeds">Who has changed threads since, by thread; null where the kernel doesn't tell.</param>
    public ImmutableArray<VmChange> After(
        ImmutableArray<VmPassResult> vms,
        ImmutableArray<Violation> violations,
        CpuSet online,
        ImmutableHashSet<string>? cpusetsWritten,
        DateTimeOffset now,
        IReadOnlyDictionary<int, ForeignDeed>? deeds = null
    )
    {
        var changes = ImmutableArray.CreateBuilder<VmChange>();
        var evidence = new ChangeEvidence(
            // What was written while the pass before was looking may only be seen now.
            cpusetsWritten?.Union(_written ?? []),
            !_online.IsEmpty && !_online.Equals(online)
        )
        {
            Deeds = deeds ?? ImmutableDictionary<int, ForeignDeed>.Empty,
        };
        foreach (var vm in vms)
        {
            var key = vm.Outcome.Plan.Vm.Key;
            var before = _seen.GetValueOrDefault(key);
            if (before is { Vm.Status.State: VmState.Pinned })
            {
                before = before with { Right = _now };
            }

            changes.AddRange(Of(vm, before, evidence, now));
            _seen[key] = new Seen(
                vm,
                vm.Status.State == VmState.Pinned ? now : before?.Right,
                vm.Status.Reason == Reason.VcpuThreadsStarting ? before?.Begun : vm
            );
        }

        changes.AddRange(ViolationChanges.Between(_violations, violations, vms, now));
        var alive = vms.Select(vm => vm.Outcome.Plan.Vm.Key).ToHashSet();
        foreach (var (key, seen) in _seen.Where(vm => !alive.Contains(vm.Key)).ToList())
        {
            _seen.Remove(key);
            // A young QEMU that exits may be met without its vCPUs, as one that starts is. Only one that never had them all
            // ends unsaid.
            if (seen.Begun is { } last)
            {
                changes.Add(Record(last, VmChangeKind.Ended, ChangeCause.ProcessEnded, now));
            }
        }

        (_violations, _written, _online, _now) = (violations, cpusetsWritten, online, now);
        return changes.DrainToImmutable();
    }

    private static IEnumerable<VmChange> Of(
        VmPassResult vm,
        Seen? before,
        ChangeEvidence evidence,
        DateTimeOffset now
    )
    {
        VmChangeKind? kind = null;
        if (OfThreads(vm, before?.Vm, evidence) is var (found, cause))
        {
            kind = found;
            var cpuset = before?.Vm.Status.Cpuset?.ToString();
            var change = Record(vm, found, cause, now) with
            {
                Threads = Threads(
                    vm,
                    thread => kind != VmChangeKind.Repaired || !thread.Planned.IsNew
                ),
                CpusetBefore =
                    before is null || cpuset == vm.Status.Cpuset?.ToString() ? null : cpuset,
            };
            var wasOff =
                (change.Threads.Length > 0 && cause != ChangeCause.NewThreads)
                || change.CpusetBefore is not null;
            yield return kind == VmChangeKind.Repaired
            && evidence.AuthorOf(change.Threads, vm.Outcome) is var (by, program, ago)
                ? change with
                {
                    By = by,
                    Program = program,
                    UnpinnedSecondsAtMost = ago.TotalSeconds,
                }
            : wasOff && before?.Right is { } right
                ? change with
                {
                    UnpinnedSecondsAtMost = (now - right).TotalSeconds,
                }
            : change;
        }

        if (
            kind == VmChangeKind.Repaired
            && Threads(vm, thread => thread.Planned.IsNew) is { IsEmpty: false } placed
        )
        {
            yield return Record(vm, VmChangeKind.ThreadsPlaced, ChangeCause.NewThreads, now) with
            {
                Threads = placed,
            };
        }

        if (OfState(vm, before?.Vm) is var (stateKind, stateCause))
        {
            yield return Record(vm, stateKind, stateCause, now);
        }
    }

    // What was done to the VM's threads, or what they were found like.
    private static (VmChangeKind, ChangeCause)? OfThreads(
        VmPassResult vm,
        VmPassResult? before,
        ChangeEvidence evidence
    )
    {
        var (status, outcome) = (vm.Status, vm.Outcome);
        var changed = outcome.Threads.Any(thread => thread.IsChange);
        var isPinned = status.State == VmState.Pinned;
        // Where it hasn't been told as placed before, there's no other placement to speak of.
        if (
            outcome.Plan is { Adopted: not null, IsBeingPlaced: var isNew }
            && (!isNew || before?.Status.State == VmState.Pinned)
        )
        {
            return (VmChangeKind.Adopted, isNew ? ChangeCause.Manager : ChangeCause.AnotherProgram);
        }

        if (before is null)
        {
            return changed || isPinned ? (VmChangeKind.Begun, ChangeCause.Met) : null;
        }

        // Where the kernel itself put the threads right, the change of the cpuset is still one.
        if (
            before.Outcome.Plan.Placement is not null
            && !Equals(before.Status.Cpuset, status.Cpuset)
            && (changed || isPinned)
        )
        {
            return (
                before.Status.Guest.IsolateEmulatorThread && !status.Guest.IsolateEmulatorThread
                    ? VmChangeKind.IsolationLost
                    : VmChangeKind.Moved,
                evidence.OnlineChanged ? ChangeCause.OnlineCpusChanged : ChangeCause.CpusetChanged
            );
        }

        if (!changed)
        {
            return isPinned && before.Status.State != VmState.Pinned ? Begun(before, vm) : null;
        }

        var known = Known(before);
        ImmutableArray<VmThread> strayed =
        [
            .. outcome
                .Threads.Where(thread => thread.IsChange && IsKnown(thread, known))
                .Select(thread => thread.Planned.Thread),
        ];
        return strayed.IsEmpty && before.Status.State == VmState.Pinned
                ? (VmChangeKind.ThreadsPlaced, ChangeCause.NewThreads)
            : vm.WasHeld && strayed.IsEmpty ? (VmChangeKind.ThreadsPlaced, ChangeCause.NewThreads)
            : vm.WasHeld ? (VmChangeKind.Repaired, evidence.Of(strayed, known, outcome))
            : Begun(before, vm);
    }

    private static (VmChangeKind, ChangeCause) Begun(VmPassResult before, VmPassResult vm) =>
        before.Outcome.Plan.IsReleased && !vm.Outcome.Plan.IsReleased
            ? (VmChangeKind.TakenUp, ChangeCause.Administrator)
            : (VmChangeKind.Begun, ChangeCause.ObstacleGone);

    // That it stands otherwise than before, and isn't pinned.
    private static (VmChangeKind, ChangeCause)? OfState(VmPassResult vm, VmPassResult? before)
    {
        var status = vm.Status;
        if (status.State == VmState.Pinned || (before is not null && IsSame(before.Status, status)))
        {
            return null;
        }

        return status.Reason switch
        {
            Reason.AnotherWriter => (VmChangeKind.Contested, ChangeCause.AnotherProgram),
            Reason.Released => (VmChangeKind.Released, ChangeCause.Administrator),
            _ => (
                status.State is VmState.Refused or VmState.NotExclusive
                    ? VmChangeKind.Refused
                    : VmChangeKind.NotPinned,
                before is null ? ChangeCause.Met : ChangeCause.StateChanged
            ),
        };
    }

    private static bool IsSame(VmStatus before, VmStatus now) =>
        (before.State, before.Reason, before.Name, before.Cpuset)
        == (now.State, now.Reason, now.Name, now.Cpuset);

    // A thread that came meanwhile has the CPUs of the one that made it, and hasn't strayed.
    private static bool IsKnown(
        PinOutcome thread,
        ImmutableDictionary<ThreadKey, VmThread> known
    ) => !thread.Planned.IsNew && known.ContainsKey(ThreadKey.Of(thread.Planned.Thread));

    private static ImmutableDictionary<ThreadKey, VmThread> Known(VmPassResult before) =>
        before
            .Outcome.Threads.Select(thread => thread.Planned.Thread)
            .DistinctBy(ThreadKey.Of)
            .ToImmutableDictionary(ThreadKey.Of);

    private static VmChange Record(
        VmPassResult vm,
        VmChangeKind kind,
        ChangeCause cause,
        DateTimeOffset now
    ) =>
        new()
        {
            At = now,
            Kind = kind,
            Cause = cause,
            Namespace = vm.Status.Namespace,
            Name = vm.Status.Name,
            Pid = vm.Status.Pid,
            State = vm.Status.State,
            Reason = vm.Status.Reason,
            Message = kind == VmChangeKind.Adopted ? vm.Outcome.Plan.Adopted : vm.Status.Message,
            Cpuset = vm.Status.Cpuset?.ToString(),
            CpusetSource = vm.Status.CpusetSource,
            Key = vm.Outcome.Plan.Vm.Key,
            IsDedicated = vm.Status.Dedicated,
        };

    private static ImmutableArray<ChangedThread> Threads(
        VmPassResult vm,
        Func<PinOutcome, bool> which
    ) =>
        [
            .. vm
                .Outcome.Threads.Where(thread => thread.IsChange && which(thread))
                .OrderBy(thread => thread.Planned.Thread.Role)
                .Select(Thread),
        ];

    private static ChangedThread Thread(PinOutcome outcome)
    {
        var thread = outcome.Planned.Thread;
        return new(
            thread.Tid,
            thread.Role,
            thread.Index,
            outcome.IsMaskChange ? thread.Affinity?.ToString() : null,
            outcome.IsMaskChange ? outcome.Actual?.ToString() : null
        )
        {
            PriorityFrom = outcome.IsSchedulingChange ? thread.Scheduling?.ToString() : null,
            PriorityTo = outcome.IsSchedulingChange ? outcome.Scheduling?.Actual?.ToString() : null,
        };
    }

    // How a VM was in the pass before, when it was last pinned, and how it was when it last had all vCPUs.
    private sealed record Seen(VmPassResult Vm, DateTimeOffset? Right, VmPassResult? Begun);
}
