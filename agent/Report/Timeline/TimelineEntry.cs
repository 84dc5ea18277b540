using PinAgent.Model.Changes;

namespace PinAgent.Report.Timeline;

/// <summary>What happened at one time, in words; to several VMs where it's the same.</summary>
/// <param name="Who">The VM, or several; empty where it's about the agent.</param>
internal sealed record TimelineEntry(DateTimeOffset At, VmChangeKind Kind, string Who, string What)
{
    private const char Between = '\n';

    /// <summary>The VMs that are named, each on a line: what is printable has no line's end in it.</summary>
    public string Named { get; init; } = Who;

    /// <summary>The same, one by one; of many only some are named.</summary>
    public IEnumerable<string> Vms => Named.Length == 0 ? [] : Named.Split(Between);

    /// <summary>The form of <see cref="Named"/>.</summary>
    public static string Join(IEnumerable<string> vms) => string.Join(Between, vms);

    /// <summary>Where it's drawn.</summary>
    public TimelineLane Lane =>
        Kind switch
        {
            VmChangeKind.AgentStarted or VmChangeKind.AgentStopped or VmChangeKind.Crowd =>
                TimelineLane.Agent,
            VmChangeKind.WaitBegun or VmChangeKind.WaitGoesOn or VmChangeKind.WaitEnded =>
                TimelineLane.Waits,
            VmChangeKind.ViolationBegun or VmChangeKind.ViolationEnded => TimelineLane.Violations,
            VmChangeKind.Refused or VmChangeKind.NotPinned or VmChangeKind.Released =>
                TimelineLane.NotPinned,
            VmChangeKind.Begun
            or VmChangeKind.TakenUp
            or VmChangeKind.Ended
            or VmChangeKind.ThreadsPlaced => TimelineLane.Vms,
            VmChangeKind.Adopted => TimelineLane.Drifts,
            _ when Kind.IsDrift() => TimelineLane.Drifts,
            _ => throw new InvalidOperationException($"{Kind}: unknown kind of change"),
        };

    /// <summary>Whether something is over with it.</summary>
    public bool IsEnd =>
        Kind
            is VmChangeKind.ViolationEnded
                or VmChangeKind.WaitEnded
                or VmChangeKind.Ended
                or VmChangeKind.AgentStopped;
}

/// <summary>The lanes, from the top.</summary>
internal enum TimelineLane
{
    /// <summary>VMs whose vCPUs waited for their CPUs.</summary>
    Waits,

    /// <summary>Threads weren't where they belonged, and what came of it.</summary>
    Drifts,

    /// <summary>VMs that weren't pinned from then on.</summary>
    NotPinned,

    /// <summary>Violations that began or ended.</summary>
    Violations,

    /// <summary>VMs that came and went.</summary>
    Vms,

    /// <summary>The agent's own starts and stops.</summary>
    Agent,
}
