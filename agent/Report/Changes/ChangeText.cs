using System.Globalization;
using PinAgent.Apply;
using PinAgent.Model.Changes;
using PinAgent.Model.Vm;
using PinAgent.Report.Status;

namespace PinAgent.Report.Changes;

/// <summary>
/// Puts a change into words; judges nothing. The log, events and <c>pinagent explain</c> say the same, but that an event of a VM that
/// isn't pinned has only the reason, as its name says the rest.
/// </summary>
internal static class ChangeText
{
    // A guest of 200 threads makes no line of eight thousand letters. Explain lists them all.
    private const int MostThreads = 12;

    /// <summary>
    /// What was done to which threads: <c>vcpu 0 (4715) from 2-3 to 2, …</c>; of many the first, and how many more; empty if
    /// nothing was.
    /// </summary>
    public static string Threads(VmChange change)
    {
        var more = change.Threads.Length - MostThreads;
        return string.Join(", ", change.Threads.Take(MostThreads).Select(Thread))
            + (more > 0 ? $" and {more} threads more" : "");
    }

    /// <summary>One thread's change: <c>vcpu 0 (4715) from 2-3 to 2</c>.</summary>
    public static string Thread(ChangedThread thread) =>
        PinOutcome.DescribeChange(
            VmThread.NameOf(thread.Role, thread.Index, thread.Tid),
            thread.To is null ? null : $"from {thread.From} to {thread.To}",
            thread.PriorityTo is null ? null : $"from {thread.PriorityFrom} to {thread.PriorityTo}"
        );

    /// <summary>What happened, in a sentence without the VM's name.</summary>
    public static string What(VmChange change) =>
        change.Repeated is { } times && change.Kind != VmChangeKind.Crowd
            ? $"changed {times} times more in the last minute, which wasn't told one by one; the last time: {Once(change)}"
            : Once(change);

    private static string Once(VmChange change) =>
        change.Kind switch
        {
            VmChangeKind.Begun => $"pinned within CPUs {Cpus(change)}{Behind(change)}",
            VmChangeKind.TakenUp =>
                $"taken up again, pinned within CPUs {Cpus(change)}{Behind(change)}",
            VmChangeKind.ThreadsPlaced => $"placed new threads: {Threads(change)}",
            VmChangeKind.Repaired => $"repaired {Threads(change)}: {Why(change)}",
            VmChangeKind.Moved =>
                $"{Why(change)}; pinned within CPUs {Cpus(change)}{Behind(change)}",
            VmChangeKind.IsolationLost =>
                $"{Why(change)}: none is left for the emulator alone, so it may disturb the vCPUs; pinned within CPUs "
                    + $"{change.Cpuset}{Behind(change)}",
            VmChangeKind.Adopted => change.Message ?? "another program's placement was adopted",
            VmChangeKind.Released =>
                "given back with pinagent release: reported on, and pinned no longer",
            VmChangeKind.Contested or VmChangeKind.Refused or VmChangeKind.NotPinned => change.State
            == VmState.NotDedicated
                ? $"left alone: {change.Message}"
                : $"{change.State}, {change.Reason}: {change.Message}",
            VmChangeKind.ViolationBegun => $"disturbed: {change.Message}",
            VmChangeKind.ViolationEnded => $"no longer so: {change.Message}",
            VmChangeKind.WaitBegun => $"slow: {Waited(change)}",
            VmChangeKind.WaitGoesOn => $"still slow: {Waited(change)}",
            VmChangeKind.WaitEnded => $"no longer slow: {Waited(change)}",
            VmChangeKind.Ended => "ended",
            VmChangeKind.Crowd =>
                $"{change.Repeated} changes of VMs that had only just come weren't told one by one",
            VmChangeKind.AgentStarted => "the agent started",
            VmChangeKind.AgentStopped => "the agent stopped; every pin stayed as it was",
            _ => throw new ArgumentOutOfRangeException(
                nameof(change),
                change.Kind,
                "unknown kind of change"
            ),
        };

    /// <summary>How long a vCPU has waited, and who was in its way.</summary>
    public static string Waited(VmChange change) =>
        $"{change.Message}{(change.By is null ? "" : $"; there ran {change.By}")}";

    /// <summary>Why it happened.</summary>
    public static string Why(VmChange change) =>
        change.Cause switch
        {
            ChangeCause.Met => $"met for the first time by this agent, with CPUs {change.Cpuset}",
            ChangeCause.ObstacleGone => "what kept it from being pinned is gone",
            ChangeCause.CpusetChanged => $"its cpuset changed from {Before(change)}",
            ChangeCause.OnlineCpusChanged =>
                $"CPUs of the node went offline or came back: its CPUs changed from {Before(change)}",
            ChangeCause.ThreadsMoved => "threads were moved to another cgroup",
            ChangeCause.MasksReset =>
                "a cpuset was written, and the kernel gave its threads all CPUs of it",
            ChangeCause.MasksSet => $"{change.By ?? "somebody"} had set other masks{Back(change)}",
            ChangeCause.PrioritiesSet =>
                $"{change.By ?? "somebody"} had taken real-time priorities away{Back(change)}",
            ChangeCause.NewThreads => "new threads had the CPUs of those that made them",
            ChangeCause.AnotherProgram => change.Kind == VmChangeKind.Adopted
                ? change.Message ?? "another program keeps setting a placement as good"
                : "another program undid the pins each time",
            ChangeCause.Manager => change.Message ?? "its manager has placed it as it began",
            ChangeCause.Administrator => "the administrator said so",
            ChangeCause.StateChanged => "no mask was changed",
            ChangeCause.Neighbours => "found around the VM",
            ChangeCause.ProcessEnded => "its process is gone",
            ChangeCause.Agent => "it was told to",
            ChangeCause.Unknown => "why isn't known",
            _ => throw new ArgumentOutOfRangeException(
                nameof(change),
                change.Cause,
                "unknown cause"
            ),
        };

    /// <summary>Who does such a thing as a rule; null where nobody does, or the cause says it.</summary>
    public static string? Likely(ChangeCause cause) =>
        cause switch
        {
            ChangeCause.CpusetChanged =>
                "the kubelet (a restart, a resize) or the container runtime",
            ChangeCause.ThreadsMoved =>
                "virt-handler (its cgroup housekeeping), or an administrator",
            ChangeCause.MasksReset =>
                "the kubelet, the container runtime or systemd (daemon-reload); kernels before Linux 6.2 do so at each write",
            ChangeCause.PrioritiesSet => "chrt, or a tuning daemon",
            ChangeCause.MasksSet => "libvirt (vcpupin), taskset, or a tuning daemon",
            _ => null,
        };

    /// <summary>Whether an administrator should look at it.</summary>
    public static bool IsWarning(VmChange change) =>
        change.Kind switch
        {
            VmChangeKind.Adopted => change.Cause != ChangeCause.Manager,
            VmChangeKind.Repaired
            or VmChangeKind.Moved
            or VmChangeKind.IsolationLost
            or VmChangeKind.Contested
            or VmChangeKind.Refused
            or VmChangeKind.WaitBegun
            or VmChangeKind.WaitGoesOn => true,
            VmChangeKind.NotPinned => change.State != VmState.NotDedicated,
            _ => false,
        };

    // Where the kernel has told when.
    private static string Back(VmChange change) =>
        change is { By: not null, UnpinnedSecondsAtMost: { } seconds }
            ? string.Format(
                CultureInfo.InvariantCulture,
                seconds >= 1 ? ", back after {0:0.#} s"
                    : seconds >= 0.001 ? ", back after {1:0.#} ms"
                    : ", back after {2:0} µs",
                seconds,
                seconds * 1e3,
                seconds * 1e6
            )
            : "";

    private static string Before(VmChange change) =>
        $"{change.CpusetBefore ?? change.Cpuset} to {change.Cpuset}";

    private static string Cpus(VmChange change) =>
        change.CpusetSource == CpuSource.Inherited
            ? $"{change.Cpuset}"
            : CpuSourceText.Describe(change.Cpuset, change.CpusetSource);

    private static string Behind(VmChange change) =>
        change.Threads.IsEmpty ? "" : $": {Threads(change)}";
}
