using System.Collections.Immutable;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace PinAgent.Observe.Kubernetes;

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

internal sealed record ApiKubeVirtConfiguration(ApiDeveloperConfiguration? DeveloperConfiguration);

internal sealed record ApiDeveloperConfiguration
{
    public string?[]? FeatureGates { get; init; }
    public string?[]? DisabledFeatureGates { get; init; }
}
