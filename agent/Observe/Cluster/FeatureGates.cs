using System.Collections.Immutable;
using System.Text.Json;
using PinAgent.Kubernetes.Client;
using PinAgent.Kubernetes.Watch;
using PinAgent.Model.Kubernetes;
using PinAgent.Model.Text;

namespace PinAgent.Observe.Cluster;

/// <summary>What one object says of the feature gates, and of the containers beside VMs.</summary>
/// <param name="Enabled">Those that it turns on.</param>
/// <param name="Disabled">Those that it turns off, whoever else turns them on.</param>
/// <param name="Problem">Why it can't be read; null if it can.</param>
internal sealed record GateFacts(
    ValueList<string> Enabled,
    ValueList<string> Disabled,
    string? Problem = null
)
{
    /// <summary>What containers beside VMs get.</summary>
    public ValueList<SupportContainer> SupportContainers { get; init; }
}

/// <summary>
/// KubeVirt's feature gates: on in ConfigMap <c>kubevirt-config</c> (KubeVirt's user guide) or in a KubeVirt object, off
/// where a KubeVirt object turns them off. Pure.
/// </summary>
internal static class FeatureGates
{
    /// <summary>The gate that asks for the node's labels.</summary>
    public const string CpuManager = "CPUManager";

    /// <summary>The gate without which VMs with hook sidecars aren't accepted.</summary>
    public const string Sidecar = "Sidecar";

    /// <summary>The gate for container disks that are volumes of the pod, and no containers.</summary>
    public const string ImageVolume = "ImageVolume";

    /// <summary>The ConfigMap's name.</summary>
    public const string ConfigMap = "kubevirt-config";

    /// <summary>Where KubeVirt objects are, the preferred version first.</summary>
    public static readonly string[] KubeVirtPaths =
    [
        "/apis/kubevirt.io/v1/kubevirts",
        "/apis/kubevirt.io/v1alpha3/kubevirts",
    ];

    /// <summary>The ConfigMap.</summary>
    public static readonly ObjectKind<GateFacts> ConfigMaps = new(
        (_, json) =>
            new(
                new(
                    Split(
                        JsonSerializer
                            .Deserialize(json, ClusterJson.Default.ApiConfigMap)
                            ?.Data?.FeatureGates
                    )
                ),
                new([])
            ),
        Broken
    );

    /// <summary>KubeVirt objects.</summary>
    public static readonly ObjectKind<GateFacts> KubeVirts = new(
        (_, json) =>
        {
            var configuration = JsonSerializer
                .Deserialize(json, ClusterJson.Default.ApiKubeVirt)
                ?.Spec?.Configuration;
            var developer = configuration?.DeveloperConfiguration;
            return new GateFacts(
                new((developer?.FeatureGates ?? []).OfType<string>()),
                new((developer?.DisabledFeatureGates ?? []).OfType<string>())
            )
            {
                SupportContainers = new(
                    (configuration?.SupportContainerResources ?? [])
                        .OfType<ApiSupportContainer>()
                        .Select(container => container.Understand())
                ),
            };
        },
        Broken
    );

    /// <summary>Both together. What was known once holds until it's known otherwise.</summary>
    public static FeatureGate Of(
        string gate,
        ObjectStore<GateFacts> config,
        ObjectStore<GateFacts> kubeVirts
    ) =>
        IsKnown(config.Health) && IsKnown(kubeVirts.Health)
            ? Of(gate, [.. config.Items.Values, .. kubeVirts.Items.Values])
            : FeatureGate.Unknown;

    /// <summary>The same of a gate whose default depends on KubeVirt's version: unknown where nobody says.</summary>
    public static FeatureGate OfNewer(
        string gate,
        ObjectStore<GateFacts> config,
        ObjectStore<GateFacts> kubeVirts
    ) =>
        Of(gate, config, kubeVirts) is FeatureGate.Off
        && !kubeVirts.Items.Values.Any(facts => facts.Disabled.Contains(gate))
            ? FeatureGate.Unknown
            : Of(gate, config, kubeVirts);

    /// <summary>What all objects say of a gate together.</summary>
    /// <param name="all">The ConfigMap and the KubeVirt objects.</param>
    public static FeatureGate Of(string gate, IReadOnlyCollection<GateFacts> all) =>
        all.Any(facts => facts.Disabled.Contains(gate)) ? FeatureGate.Off
        : all.Any(facts => facts.Problem is not null) ? FeatureGate.Unknown
        : all.Any(facts => facts.Enabled.Contains(gate)) ? FeatureGate.On
        : FeatureGate.Off;

    /// <summary>Gates in a text: <c>DataVolumes, CPUManager</c>. Separators that aren't commas, and quotes, are forgiven.</summary>
    public static ImmutableArray<string> Split(string? text) =>
        [
            .. (text ?? "").Split(
                [',', ';', '"', '\'', ' ', '\t', '\r', '\n'],
                StringSplitOptions.RemoveEmptyEntries
            ),
        ];

    private static bool IsKnown(WatchHealth health) => health.HasSynced || health.IsMissing;

    private static GateFacts Broken(ApiMetadata metadata, string problem) =>
        new(
            new([]),
            new([]),
            $"feature gates of {metadata.Namespace}/{metadata.Name} can't be read: {problem}"
        );
}
