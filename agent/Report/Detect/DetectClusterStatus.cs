using System.Collections.Immutable;
using PinAgent.Model.Kubernetes;
using PinAgent.Plan.Labels;
using PinAgent.Report.Cluster;

namespace PinAgent.Report.Detect;

/// <summary>What the cluster says of the node's labels.</summary>
/// <param name="Server">The API server; null if the configuration can't be read.</param>
/// <param name="Gate">KubeVirt's feature gate <c>CPUManager</c>.</param>
/// <param name="GateSources">The objects that turn it on, or off; none if none names it.</param>
/// <param name="VirtHandler">Whether virt-handler writes the labels itself; null if the node isn't known.</param>
/// <param name="Labels">The labels, by key.</param>
/// <param name="Problems">What wasn't answered or can't be read.</param>
internal sealed record DetectClusterStatus(
    string? Server,
    FeatureGate Gate,
    IReadOnlyList<string> GateSources,
    VirtHandlerStatus? VirtHandler,
    IReadOnlyDictionary<string, LabelStatus> Labels,
    IReadOnlyList<string> Problems
)
{
    /// <summary>A cluster that doesn't answer.</summary>
    public static DetectClusterStatus Failed(string problem) =>
        new(
            null,
            FeatureGate.Unknown,
            [],
            null,
            ImmutableSortedDictionary<string, LabelStatus>.Empty,
            [problem]
        );

    /// <summary>The same with the node's labels, as they stand to what was found.</summary>
    /// <param name="isRunning">Whether the CPU manager runs; null if unknown.</param>
    /// <param name="now">The time, as virt-handler's heartbeat has it.</param>
    public DetectClusterStatus With(
        NodeLabels node,
        bool? isRunning,
        ImmutableArray<string> keys,
        DateTimeOffset now
    ) =>
        this with
        {
            VirtHandler = new(node.Heartbeat, node.HasLiveHandler(now)),
            Labels = LabelStatus.Of(
                LabelDecision.Decide(
                    new LabelQuestion(isRunning, Gate),
                    new LabelSettings(LabelMode.Auto, keys),
                    node,
                    node.HasLiveHandler(now)
                )
            ),
        };
}

/// <summary>KubeVirt's own agent on the node, which writes both labels at each of its heartbeats.</summary>
/// <param name="Heartbeat">When it was last alive; null if it never was.</param>
/// <param name="Alive">Whether it is: what others write doesn't last.</param>
internal sealed record VirtHandlerStatus(DateTimeOffset? Heartbeat, bool Alive);
