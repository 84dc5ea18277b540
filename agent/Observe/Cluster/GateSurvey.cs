using System.Collections.Immutable;
using PinAgent.Kubernetes.Client;
using PinAgent.Kubernetes.Watch;
using PinAgent.Model.Kubernetes;

namespace PinAgent.Observe.Cluster;

/// <summary>KubeVirt's feature gate <c>CPUManager</c>, asked for once.</summary>
/// <param name="Sources">The objects that turn it on, or off.</param>
/// <param name="Problems">What wasn't answered or can't be read.</param>
internal sealed record GateSurvey(
    FeatureGate Gate,
    ImmutableArray<string> Sources,
    ImmutableArray<string> Problems
)
{
    // Of KubeVirt objects a cluster has one.
    private const int LargestList = 4 * ObjectKind<GateFacts>.Largest;

    /// <summary>Nothing was answered.</summary>
    public static GateSurvey Failed(string problem) => new(FeatureGate.Unknown, [], [problem]);

    /// <summary>Asks.</summary>
    /// <param name="kubeVirtNamespace">Where ConfigMap <c>kubevirt-config</c> is.</param>
    /// <exception cref="ApiException">The server refuses.</exception>
    public static async Task<GateSurvey> AskAsync(
        ApiConnection connection,
        string kubeVirtNamespace,
        CancellationToken stop
    )
    {
        var config = await ReadAsync(
            connection,
            [
                $"/api/v1/namespaces/{Uri.EscapeDataString(kubeVirtNamespace)}/configmaps/{FeatureGates.ConfigMap}",
            ],
            body => [Understand("ConfigMap", FeatureGates.ConfigMaps, body.Span)],
            stop
        );
        var kubeVirts = await ReadAsync(
            connection,
            FeatureGates.KubeVirtPaths,
            body =>
                [
                    .. ApiMessage
                        .ReadList(body.Span)
                        .Items.Select(item =>
                            Understand("KubeVirt", FeatureGates.KubeVirts, body.Span[item])
                        ),
                ],
            stop
        );
        return Of([.. config, .. kubeVirts]);
    }

    private static GateSurvey Of(ImmutableArray<NamedGate> found)
    {
        var gate = FeatureGates.Of(
            FeatureGates.CpuManager,
            [.. found.Select(named => named.Facts)]
        );
        return new GateSurvey(
            gate,
            [
                .. found
                    .Where(named =>
                        (
                            gate == FeatureGate.On ? named.Facts.Enabled : named.Facts.Disabled
                        ).Contains(FeatureGates.CpuManager)
                    )
                    .Select(named => named.Name),
            ],
            [.. found.Select(named => named.Facts.Problem).OfType<string>()]
        );
    }

    // The first of the paths that is there; none is an answer, too.
    private static async Task<ImmutableArray<NamedGate>> ReadAsync(
        ApiConnection connection,
        string[] paths,
        Func<ReadOnlyMemory<byte>, ImmutableArray<NamedGate>> understand,
        CancellationToken stop
    )
    {
        foreach (var path in paths)
        {
            try
            {
                using var response = await connection.GetAsync(path, stop);
                return understand(await connection.ReadAllAsync(response, LargestList, stop));
            }
            catch (ApiException problem) when (problem.Problem.Kind == ApiProblemKind.NotFound)
            {
                // Perhaps the next.
            }
        }

        return [];
    }

    private static NamedGate Understand(
        string kind,
        ObjectKind<GateFacts> objects,
        ReadOnlySpan<byte> json
    )
    {
        var metadata = ApiMessage.ReadMetadata(json) ?? new ApiMetadata();
        return new(
            $"{kind} {metadata.Namespace}/{metadata.Name}",
            objects.Understand(metadata, json)
        );
    }

    private readonly record struct NamedGate(string Name, GateFacts Facts);
}
