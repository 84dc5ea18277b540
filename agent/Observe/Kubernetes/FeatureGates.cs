using System.Collections.Immutable;
using System.Text.Json;
using PinAgent.Model;

namespace PinAgent.Observe.Kubernetes;

/// <summary>What one object says of the feature gate.</summary>
/// <param name="IsEnabled">Whether it turns it on.</param>
/// <param name="IsDisabled">Whether it turns it off, whoever else turns it on.</param>
/// <param name="Problem">Why it can't be read; null if it can.</param>
internal sealed record GateFacts(bool IsEnabled, bool IsDisabled, string? Problem = null);

/// <summary>
/// The feature gate <c>CPUManager</c>: on in ConfigMap <c>kubevirt-config</c> (KubeVirt's user guide) or in a KubeVirt
/// object, off where a KubeVirt object turns it off. Pure.
/// </summary>
internal static class FeatureGates
{
    public const string CpuManager = "CPUManager";

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
                Split(
                        JsonSerializer
                            .Deserialize(json, ApiJson.Default.ApiConfigMap)
                            ?.Data?.FeatureGates
                    )
                    .Contains(CpuManager),
                IsDisabled: false
            ),
        Broken
    );

    /// <summary>KubeVirt objects.</summary>
    public static readonly ObjectKind<GateFacts> KubeVirts = new(
        (_, json) =>
        {
            var developer = JsonSerializer
                .Deserialize(json, ApiJson.Default.ApiKubeVirt)
                ?.Spec?.Configuration?.DeveloperConfiguration;
            return new(
                developer?.FeatureGates?.Contains(CpuManager) ?? false,
                developer?.DisabledFeatureGates?.Contains(CpuManager) ?? false
            );
        },
        Broken
    );

    /// <summary>Both together. What was known once holds until it's known otherwise.</summary>
    public static FeatureGate Of(ObjectStore<GateFacts> config, ObjectStore<GateFacts> kubeVirts) =>
        IsKnown(config.Health) && IsKnown(kubeVirts.Health)
            ? Of([.. config.Items.Values, .. kubeVirts.Items.Values])
            : FeatureGate.Unknown;

    /// <summary>All that objects say together.</summary>
    public static FeatureGate Of(IReadOnlyCollection<GateFacts> all) =>
        all.Any(facts => facts.IsDisabled) ? FeatureGate.Off
        : all.Any(facts => facts.Problem is not null) ? FeatureGate.Unknown
        : all.Any(facts => facts.IsEnabled) ? FeatureGate.On
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
            false,
            false,
            $"feature gates of {metadata.Namespace}/{metadata.Name} can't be read: {problem}"
        );
}
