using System.Collections.Immutable;
using PinAgent.Kubernetes.Client;
using PinAgent.Model.Kubernetes;
using PinAgent.Observe.Cluster;
using PinAgent.Report.Cluster;
using PinAgent.Report.Detect;

namespace PinAgent.Cli.Ask;

/// <summary>Asks the cluster about the node's labels, once. Nothing is written.</summary>
internal static class DetectCluster
{
    // A node lists its images and volumes.
    private const int LargestNode = 16 * 1024 * 1024;

    /// <summary>How long answers are waited for.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    /// <summary>Asks; null where no cluster is configured.</summary>
    /// <param name="kubeConfig">The file given; null for none.</param>
    /// <param name="kubeVirtNamespace">Where ConfigMap <c>kubevirt-config</c> is.</param>
    /// <param name="isRunning">Whether the CPU manager runs; null if unknown.</param>
    public static async Task<DetectClusterStatus?> AskAsync(
        string? kubeConfig,
        string node,
        string kubeVirtNamespace,
        bool? isRunning,
        ImmutableArray<string> keys,
        CancellationToken stop
    )
    {
        if (!ClusterConfig.IsThere(kubeConfig))
        {
            return null;
        }

        try
        {
            using var connection = new ApiConnection(
                () => ClusterConfig.Load(kubeConfig),
                TimeProvider.System
            );
            using var limit = CancellationTokenSource.CreateLinkedTokenSource(stop);
            limit.CancelAfter(Patience);
            var gates = TryAsync(
                GateSurvey.AskAsync(connection, kubeVirtNamespace, limit.Token),
                stop
            );
            var labels = TryAsync(ReadNodeAsync(connection, node, limit.Token), stop);
            var gate = await gates is ({ } known, _)
                ? known
                : GateSurvey.Failed(gates.Result.Problem!);
            var (found, problem) = await labels;
            var status = new DetectClusterStatus(
                connection.Server.AbsoluteUri.TrimEnd('/'),
                gate.Gate,
                gate.Sources,
                null,
                ImmutableSortedDictionary<string, LabelStatus>.Empty,
                [.. gate.Problems.Append(problem).OfType<string>().Distinct()]
            );
            return found is null
                ? status
                : status.With(found, isRunning, keys, TimeProvider.System.GetUtcNow());
        }
        catch (InvalidDataException problem)
        {
            return DetectClusterStatus.Failed(problem.Message);
        }
    }

    /// <summary>An answer, or why there's none.</summary>
    /// <param name="stop">Gives up all questions; that the one gives up is an answer.</param>
    public static async Task<(T? Answer, string? Problem)> TryAsync<T>(
        Task<T> asking,
        CancellationToken stop
    )
        where T : class
    {
        try
        {
            return (await asking, null);
        }
        catch (OperationCanceledException) when (!stop.IsCancellationRequested)
        {
            return (null, $"no answer within {Patience.TotalSeconds:0} s");
        }
        catch (Exception exception) when (ApiProblem.Of(exception) is { } problem)
        {
            return (null, problem.Message);
        }
    }

    private static async Task<NodeLabels> ReadNodeAsync(
        ApiConnection connection,
        string node,
        CancellationToken stop
    )
    {
        using var response = await connection.GetAsync(
            $"/api/v1/nodes/{Uri.EscapeDataString(node)}",
            stop
        );
        return NodeReader.Read((await connection.ReadAllAsync(response, LargestNode, stop)).Span);
    }
}
