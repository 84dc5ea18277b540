using System.Collections.Immutable;
using System.Text.Json;
using System.Text.Json.Serialization;
using PinAgent.Kubernetes.Client;
using PinAgent.Model.Kubernetes;

namespace PinAgent.Observe.Cluster;

/// <summary>
/// The JSON of nodes and of KubeVirt's configuration, without reflection: the fields that PinAgent uses and no others.
/// Sources: <c>k8s.io/api/core/v1/types.go</c>, KubeVirt's <c>staging/src/kubevirt.io/api/core/v1/types.go</c>.
/// </summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    GenerationMode = JsonSourceGenerationMode.Metadata,
    MaxDepth = ApiJson.Deepest
)]
[JsonSerializable(typeof(ApiConfigMap))]
[JsonSerializable(typeof(ApiKubeVirt))]
[JsonSerializable(typeof(ApiNode))]
[JsonSerializable(typeof(ApiNodeLabels))]
internal sealed partial class ClusterJson : JsonSerializerContext;

internal sealed record ApiNode(ApiNodeMetadata? Metadata, ApiNodeStatus? Status);

internal sealed record ApiNodeStatus(ApiResources? Allocatable);

internal sealed record ApiResources(string? Cpu, string? Memory);

internal sealed record ApiNodeMetadata
{
    public string? Uid { get; init; }
    public ImmutableSortedDictionary<string, string>? Labels { get; init; }
    public ApiNodeAnnotations? Annotations { get; init; }
    public ApiManagedFields?[]? ManagedFields { get; init; }
}

internal sealed record ApiNodeAnnotations
{
    [JsonPropertyName("kubevirt.io/heartbeat")]
    public string? Heartbeat { get; init; }
}

internal sealed record ApiManagedFields
{
    public string? Manager { get; init; }
    public string? Operation { get; init; }
    public string? Subresource { get; init; }
    public JsonElement FieldsV1 { get; init; }
}

/// <summary>What is applied to a node: its labels. The uid keeps the server from creating a node that is gone.</summary>
internal sealed record ApiNodeLabels(string ApiVersion, string Kind, ApiAppliedMetadata Metadata);

internal sealed record ApiAppliedMetadata(
    string Name,
    string Uid,
    ImmutableSortedDictionary<string, string> Labels
);

internal sealed record ApiConfigMap(ApiConfigData? Data);

internal sealed record ApiConfigData
{
    [JsonPropertyName("feature-gates")]
    public string? FeatureGates { get; init; }
}

internal sealed record ApiKubeVirt(ApiKubeVirtSpec? Spec);

internal sealed record ApiKubeVirtSpec(ApiKubeVirtConfiguration? Configuration);

internal sealed record ApiKubeVirtConfiguration(
    ApiDeveloperConfiguration? DeveloperConfiguration,
    ApiSupportContainer?[]? SupportContainerResources
);

internal sealed record ApiSupportContainer(string? Type, ApiContainerResources? Resources)
{
    public SupportContainer Understand() =>
        new(Type ?? "", Resources?.Limit("cpu"), Resources?.Limit("memory"));
}

/// <summary>Quantities are texts or numbers.</summary>
internal sealed record ApiContainerResources(Dictionary<string, JsonElement>? Limits)
{
    public Quantity? Limit(string resource) =>
        Limits?.TryGetValue(resource, out var value) == true
        && Quantity.TryParse(value.ToString(), out var quantity)
            ? quantity
            : null;
}

internal sealed record ApiDeveloperConfiguration
{
    public string?[]? FeatureGates { get; init; }
    public string?[]? DisabledFeatureGates { get; init; }
}
