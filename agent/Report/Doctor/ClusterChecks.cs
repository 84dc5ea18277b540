using PinAgent.Model.Kubernetes;
using PinAgent.Model.Node;
using PinAgent.Report.Detect;

namespace PinAgent.Report.Doctor;

/// <summary>What came of asking the cluster.</summary>
/// <param name="Detected">Gate, virt-handler and labels.</param>
/// <param name="Rights">Whether each right is granted; null if that wasn't answered.</param>
/// <param name="RightsProblem">Why that wasn't answered.</param>
internal sealed record ClusterAnswers(
    DetectClusterStatus Detected,
    IReadOnlyDictionary<AccessRight, bool>? Rights,
    string? RightsProblem
);

/// <summary>The cluster, as far as the agent needs it. Pure.</summary>
internal static class ClusterChecks
{
    private const string Api = "API server";

    /// <param name="cluster">What it has answered; null where none is configured.</param>
    public static IEnumerable<Finding> Of(ClusterAnswers? cluster) =>
        cluster is null
            ? [Finding.Ok(Api, "none is configured: the agent runs with --standalone")]
            : [.. Server(cluster), .. Rights(cluster.Rights), .. KubeVirt(cluster.Detected)];

    private static IEnumerable<Finding> Server(ClusterAnswers cluster)
    {
        var server = cluster.Detected.Server ?? "its configuration can't be read";
        if (cluster.Rights is null)
        {
            yield return new(
                Api,
                FindingLevel.Problem,
                $"{server}: {cluster.RightsProblem}",
                "only VMs of which it has told before stay pinned",
                "Correct --kubeconfig, or let this node reach the server"
            );
            yield break;
        }

        yield return Finding.Ok(Api, $"{server} answers");
        foreach (var problem in cluster.Detected.Problems)
        {
            yield return new(
                Api,
                FindingLevel.Warning,
                problem,
                "what couldn't be asked isn't checked",
                "See the rights below, and whether --node-name is the node's name in the cluster"
            );
        }
    }

    private static IEnumerable<Finding> Rights(IReadOnlyDictionary<AccessRight, bool>? granted)
    {
        if (granted is null)
        {
            yield break;
        }

        foreach (var rights in ClusterRights.All)
        {
            var check = $"right to {rights.Name ?? rights.Resource}";
            var missing = rights
                .Each.Where(right => !granted.GetValueOrDefault(right))
                .Select(right => right.Verb)
                .ToList();
            yield return missing.Count == 0
                ? Finding.Ok(check, string.Join(", ", rights.Verbs))
                : new(
                    check,
                    rights.Resource is "pods" or "virtualmachineinstances"
                        ? FindingLevel.Problem
                        : FindingLevel.Warning,
                    $"missing: {string.Join(", ", missing)}",
                    rights.Loses,
                    "kubectl apply -f deploy/base/rbac.yaml, and run the agent as its service account"
                );
        }
    }

    private static IEnumerable<Finding> KubeVirt(DetectClusterStatus cluster)
    {
        yield return cluster.Gate switch
        {
            FeatureGate.On => Finding.Ok(
                "feature gate",
                $"CPUManager is on, by {string.Join(", ", cluster.GateSources)}"
            ),
            var gate => new(
                "feature gate",
                FindingLevel.Warning,
                $"CPUManager is {(gate == FeatureGate.Off ? "off" : "unknown")}",
                "the agent sets no node labels, so dedicated VMs may not be scheduled here",
                "Switch it on in the KubeVirt object, or label the node as pinagent detect says"
            ),
        };
        if (cluster.VirtHandler is { } handler)
        {
            yield return handler.Alive
                ? Finding.Ok("virt-handler", $"alive ({handler.Heartbeat:u})")
                : new(
                    "virt-handler",
                    FindingLevel.Warning,
                    handler.Heartbeat is { } last ? $"silent since {last:u}" : "none on this node",
                    "KubeVirt starts no VMs here",
                    "See its pod: kubectl -n kubevirt get pods -l kubevirt.io=virt-handler -o wide"
                );
        }

        foreach (var (key, label) in cluster.Labels)
        {
            var actual = label.Actual is { } value ? $"\"{value}\"" : "absent";
            yield return label.Wanted is { } wanted && wanted != label.Actual
                ? new(
                    $"label {key}",
                    FindingLevel.Warning,
                    $"{actual}, should be \"{wanted}\": {label.Message}",
                    "the scheduler goes by a wrong label",
                    "Run the agent with --labels=auto, or label the node as pinagent detect says"
                )
                : Finding.Ok($"label {key}", $"{actual}: {label.Message}");
        }
    }
}
