using System.Collections.Immutable;
using PinAgent.Apply;
using PinAgent.Model;

namespace PinAgent.Report.History;

/// <summary>Tells what happened between two passes, and why, from what the passes saw.</summary>
public sealed class ChangeDetector
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
        if (!IsOurs(vm.Status) || !(changed || standsElse))
        {
            return null;
        }

        var cause =
            before is null ? ChangeCause.Met
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
            Message = vm.Status.Message,
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
            thread.Affinity?.ToString(),
            outcome.Actual?.ToString()
        );
    }

    private sealed record Seen(VmPassResult Vm, DateTimeOffset? Right);
}
