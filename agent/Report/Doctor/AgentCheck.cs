using PinAgent.Model.Node;
using PinAgent.Model.Vm;
using PinAgent.Report.Status;

namespace PinAgent.Report.Doctor;

/// <summary>What came of asking the running agent.</summary>
/// <param name="Status">Its status; null if it doesn't tell.</param>
/// <param name="Problem">Why it doesn't tell, or makes no passes; null if all is well.</param>
/// <param name="IsDenied">Whether this user mustn't ask, so that nothing is known of an agent.</param>
internal sealed record AgentFacts(
    string Socket,
    NodeStatus? Status,
    string? Problem,
    bool IsDenied = false
);

/// <summary>The running agent. Pure.</summary>
internal static class AgentCheck
{
    private const string Check = "running agent";

    public static Finding Of(AgentFacts agent) =>
        agent switch
        {
            { IsDenied: true } => new(
                Check,
                FindingLevel.Warning,
                $"{agent.Socket}: this user may not ask it (permission denied)",
                "whether an agent runs, and what it does, isn't known",
                "Ask as root, or as a member of the socket's group"
            ),
            { Status: null } => new(
                Check,
                FindingLevel.Warning,
                agent.Problem ?? $"{agent.Socket}: no answer",
                "nothing is pinned or repaired until one runs",
                "Start pinagent run, or say with --socket where it is"
            ),
            { Problem: { } problem } => new(
                Check,
                FindingLevel.Problem,
                $"{agent.Socket}: {problem}",
                "pins that are lost aren't repaired",
                "See the agent's log, and start it again"
            ),
            { Status: { Mode: AgentMode.Audit } status } => new(
                Check,
                FindingLevel.Warning,
                $"{agent.Socket}: it makes its passes, in mode audit{(status.ModeMessage is { } why ? $": {why}" : "")}",
                "nothing is pinned",
                "Run it with --mode enforce when its plans are right"
            ),
            { Status: { } status } => Finding.Ok(
                Check,
                $"{agent.Socket}: it makes its passes, in mode enforce; "
                    + $"{status.Vms.Count(vm => vm is { Dedicated: true, State: VmState.Pinned })} of "
                    + $"{status.Vms.Count(vm => vm.Dedicated)} dedicated VMs are pinned, {status.Drift.Repairs} repairs"
                    + (
                        status.Events is { } events
                            ? $"; events: {events.Source}: {EventText.Of(events)}{(events.Priority is { } priority ? $"; it listens at {priority}" : "")}"
                            : ""
                    )
            ),
        };
}
