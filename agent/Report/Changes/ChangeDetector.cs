using System.Collections.Immutable;
using PinAgent.Apply;
using PinAgent.Model.Changes;
using PinAgent.Model.Vm;
using PinAgent.Report.Status;

namespace PinAgent.Report.Changes;

/// <summary>Tells what happened between two passes, and why, from what the passes saw.</summary>
internal sealed class ChangeDetector
{
    private readonly Dictionary<VmKey, Seen> _seen = [];
    private string _online = "";
    private DateTimeOffset _now;

    /// <summary>A pass came to the same as the one before.</summary>
    /// <param name="now">When it ended.</param>
    public void Still(DateTimeOffset now) => _now = now;

    /// <summary>What has happened by the end of this pass.</summary>
    /// <param name="result">The pass.</param>
    /// <param name="now">When it ended.</param>
    public IReadOnlyList<RecordedChange> After(PassResult result, DateTimeOffset now)
    {
        var changes = new List<RecordedChange>();
        var online = result.Status.Topology.Online;
        var onlineChanged = _online.Length > 0 && _online != online;
        foreach (var vm in result.Vms)
        {
            var key = vm.Outcome.Plan.Vm.Key;
            var before = _seen.GetValueOrDefault(key);
            if (before is { Vm.Status.State: VmState.Pinned })
            {
                before = before with { Right = _now };
            }

            if (Change(vm, before, onlineChanged, now) is { } change)
            {
                changes.Add(change);
            }

            _seen[key] = new Seen(vm, vm.Status.State == VmState.Pinned ? now : before?.Right);
        }

        var alive = result.Vms.Select(vm => vm.Outcome.Plan.Vm.Key).ToHashSet();
        foreach (var (key, seen) in _seen.Where(vm => !alive.Contains(vm.Key)).ToList())
        {
            _seen.Remove(key);
            if (IsOurs(seen.Vm.Status))
            {
                changes.Add(Record(seen.Vm, ChangeCause.Ended, now) with { Threads = [] });
            }
        }

        (_online, _now) = (online, now);
        return changes;
    }

    // Those that never asked for pinning have no history here.
    private static bool IsOurs(VmStatus vm) => vm.Dedicated;

    private static RecordedChange? Change(
        VmPassResult vm,
        Seen? before,
        bool onlineChanged,
        DateTimeOffset now
    )
    {
        // Where the kernel itself put the threads right, the change of the cpuset is still one.
        var changed =
            vm.Outcome.Threads.Any(thread => thread.IsChange)
            || (before is not null && before.Vm.Status.Cpuset != vm.Status.Cpuset);
        var standsElse =
            before is null
            || (before.Vm.Status.State, before.Vm.Status.Reason)
                != (vm.Status.State, vm.Status.Reason);
        var adopted = vm.Outcome.Plan.Adopted;
        if (!IsOurs(vm.Status) || !(changed || standsElse || adopted is not null))
        {
            return null;
        }

        var cause =
            before is null ? ChangeCause.Met
            : adopted is not null ? ChangeCause.Adopted
            : standsElse && vm.Status.Reason == Reason.AnotherWriter ? ChangeCause.GaveWay
            : !changed ? ChangeCause.StateChanged
            : Cause(vm, before.Vm, onlineChanged);
        var record = Record(vm, cause, now);
        return cause is ChangeCause.Met or ChangeCause.NewThreads || before?.Right is not { } right
            ? record
            : record with
            {
                UnpinnedSecondsAtMost = changed ? (now - right).TotalSeconds : null,
                CpusetBefore =
                    before.Vm.Status.Cpuset == vm.Status.Cpuset ? null : before.Vm.Status.Cpuset,
            };
    }

    private static ChangeCause Cause(VmPassResult now, VmPassResult before, bool onlineChanged)
    {
        if (before.Status.Cpuset != now.Status.Cpuset)
        {
            return onlineChanged ? ChangeCause.OnlineCpusChanged : ChangeCause.CpusetChanged;
        }

        if (!now.WasHeld)
        {
            return ChangeCause.Begun;
        }

        var known = before.Outcome.Threads.ToDictionary(
            thread => (thread.Planned.Thread.Tid, thread.Planned.Thread.StartTime),
            thread => thread.Planned.Thread
        );
        var strayed = now
            .Outcome.Threads.Where(thread => thread.IsChange)
            .Select(thread => thread.Planned.Thread)
            .Where(thread => known.ContainsKey((thread.Tid, thread.StartTime)))
            .ToList();
        var cpuset = now.Outcome.Plan.Vm.Cpuset;
        return strayed.Count == 0 ? ChangeCause.NewThreads
            : !now.Outcome.Threads.Any(thread => thread.IsMaskChange) ? ChangeCause.PrioritiesSet
            : strayed.Exists(thread =>
                !Equals(thread.OwnCpuset, known[(thread.Tid, thread.StartTime)].OwnCpuset)
            )
                ? ChangeCause.ThreadsMoved
            : strayed.TrueForAll(thread => Equals(thread.Affinity, thread.OwnCpuset ?? cpuset))
                ? onlineChanged ? ChangeCause.OnlineCpusChanged
                    : ChangeCause.MasksReset
            : ChangeCause.MasksSet;
    }

    private static RecordedChange Record(VmPassResult vm, ChangeCause cause, DateTimeOffset now) =>
        new()
        {
            At = now,
            Namespace = vm.Status.Namespace,
            Name = vm.Status.Name,
            Pid = vm.Status.Pid,
            Cause = cause,
            State = vm.Status.State,
            Reason = vm.Status.Reason,
            Message = vm.Status.Message ?? vm.Outcome.Plan.Adopted,
            Cpuset = vm.Status.Cpuset,
            Threads = [.. vm.Outcome.Threads.Where(thread => thread.IsChange).Select(Thread)],
        };

    private static RecordedThread Thread(PinOutcome outcome)
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

    private sealed record Seen(VmPassResult Vm, DateTimeOffset? Right);
}
