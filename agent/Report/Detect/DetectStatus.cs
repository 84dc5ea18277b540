using PinAgent.Model.Kubernetes;
using PinAgent.Model.Node;
using PinAgent.Report.Status;

namespace PinAgent.Report.Detect;

/// <summary>The answer of <c>pinagent detect</c>.</summary>
/// <param name="Running">
/// Whether the CPU manager gives out exclusive CPUs; null if unknown, and where a DRA driver does in its place.
/// </param>
/// <param name="SharedPool">The CPUs of everybody else; null if unknown.</param>
/// <param name="Exclusive">Who has which exclusive CPUs, by the checkpoint.</param>
/// <param name="Evidence">What was looked at and found.</param>
/// <param name="PodResources">What the kubelet's PodResources API says; null if it says nothing.</param>
/// <param name="Cluster">What the cluster says; null where none is configured.</param>
/// <param name="LabelCommand">
/// How an administrator labels the node accordingly; null if the state is unknown, and where the feature gate is known
/// to be on: then it isn't theirs to do.
/// </param>
internal sealed record DetectStatus(
    bool? Running,
    CpuManagerState State,
    string? SharedPool,
    IReadOnlyList<ExclusiveStatus> Exclusive,
    IReadOnlyList<string> Evidence,
    PodResourcesStatus? PodResources,
    DetectClusterStatus? Cluster,
    string? LabelCommand
)
{
    /// <summary>The answer by an observation.</summary>
    /// <param name="podResources">What the PodResources API has told; null if nothing.</param>
    /// <param name="cluster">What the cluster has told; null where none is configured.</param>
    public static DetectStatus Of(
        CpuManagerObservation observation,
        PodResources? podResources,
        DetectClusterStatus? cluster,
        string node,
        IReadOnlyList<string> keys
    )
    {
        var isRunning = IsRunning(observation.State);
        return new(
            isRunning,
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
            podResources is null ? null : PodResourcesStatus.Of(podResources),
            cluster,
            isRunning switch
            {
                _ when cluster is { Gate: FeatureGate.On } => null,
                // virt-handler may have left a "false" behind.
                true =>
                    $"kubectl label node {node} --overwrite {string.Join(' ', keys.Select(key => $"{key}=true"))}",
                false =>
                    $"kubectl label node {node} {string.Join(' ', keys.Select(key => $"{key}-"))}",
                null => null,
            }
        );
    }

    /// <summary>Whether a state means that the CPU manager gives out exclusive CPUs; null if it doesn't tell.</summary>
    public static bool? IsRunning(CpuManagerState state) =>
        state switch
        {
            CpuManagerState.Static => true,
            CpuManagerState.None => false,
            _ => null,
        };
}

/// <summary>The exclusive CPUs of one container.</summary>
/// <param name="PodUid">The pod; null in the oldest checkpoints.</param>
/// <param name="Container">The container's name or id; null for a whole pod.</param>
internal sealed record ExclusiveStatus(string? PodUid, string? Container, string Cpus);
