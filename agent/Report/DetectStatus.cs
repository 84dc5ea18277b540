using PinAgent.Model;

namespace PinAgent.Report;

/// <summary>The answer of <c>pinagent detect</c>.</summary>
/// <param name="Running">Whether the CPU manager gives out exclusive CPUs; null if unknown.</param>
/// <param name="State">The CPU manager's state.</param>
/// <param name="SharedPool">The CPUs of everybody else; null if unknown.</param>
/// <param name="Exclusive">Who has which exclusive CPUs.</param>
/// <param name="Evidence">What was looked at and found.</param>
/// <param name="LabelCommand">How an administrator labels the node accordingly; null if the state is unknown.</param>
public sealed record DetectStatus(
    bool? Running,
    CpuManagerState State,
    string? SharedPool,
    IReadOnlyList<ExclusiveStatus> Exclusive,
    IReadOnlyList<string> Evidence,
    string? LabelCommand
)
{
    /// <summary>The answer by an observation.</summary>
    /// <param name="observation">What was seen.</param>
    /// <param name="node">The node's name.</param>
    /// <param name="keys">The labels' keys.</param>
    public static DetectStatus Of(
        CpuManagerObservation observation,
        string node,
        IReadOnlyList<string> keys
    ) =>
        new(
            observation.State switch
            {
                CpuManagerState.Static => true,
                CpuManagerState.None => false,
                _ => null,
            },
            observation.State,
            observation.SharedPool?.ToString(),
            observation.Checkpoint is { IsStatic: true } checkpoint
                ?
                [
                    .. checkpoint.Entries.Select(entry => new ExclusiveStatus(
                        entry.PodUid,
                        entry.Container,
                        entry.Cpus.ToString()
                    )),
                ]
                : [],
            observation.Evidence,
            observation.State switch
            {
                // virt-handler may have left a "false" behind.
                CpuManagerState.Static =>
                    $"kubectl label node {node} --overwrite {string.Join(' ', keys.Select(key => $"{key}=true"))}",
                CpuManagerState.None =>
                    $"kubectl label node {node} {string.Join(' ', keys.Select(key => $"{key}-"))}",
                _ => null,
            }
        );
}

/// <summary>The exclusive CPUs of one container.</summary>
/// <param name="PodUid">The pod; null in the oldest checkpoints.</param>
/// <param name="Container">The container's name or id; null for a whole pod.</param>
/// <param name="Cpus">The CPUs.</param>
public sealed record ExclusiveStatus(string? PodUid, string? Container, string Cpus);
