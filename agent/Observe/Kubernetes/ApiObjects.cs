using System.Text.Json.Serialization;

namespace PinAgent.Observe.Kubernetes;

/// <summary>
/// The JSON of the API's objects, without reflection: the fields that PinAgent uses and no others. Sources:
/// <c>k8s.io/api/core/v1/types.go</c>, KubeVirt's <c>staging/src/kubevirt.io/api/core/v1/{types,schema}.go</c>.
/// </summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    GenerationMode = JsonSourceGenerationMode.Metadata,
    MaxDepth = ApiJson.Deepest
)]
[JsonSerializable(typeof(ApiAny))]
[JsonSerializable(typeof(ApiStatus))]
[JsonSerializable(typeof(ApiConfigMap))]
[JsonSerializable(typeof(ApiKubeVirt))]
[JsonSerializable(typeof(ApiNode))]
[JsonSerializable(typeof(ApiNodeLabels))]
[JsonSerializable(typeof(ApiAccessReview))]
[JsonSerializable(typeof(ApiTokenReview))]
[JsonSerializable(typeof(ApiSubjectReview))]
internal sealed partial class ApiJson : JsonSerializerContext
{
    /// <summary>How deep objects may be nested; the deepest real ones have some thirty levels.</summary>
    public const int Deepest = 200;
}

/// <summary>What every object has.</summary>
internal sealed record ApiAny(ApiMetadata? Metadata);

internal sealed record ApiMetadata
{
    public string? Uid { get; init; }
    public string? Namespace { get; init; }
    public string? Name { get; init; }
    public string? ResourceVersion { get; init; }
    public ApiAnnotations? Annotations { get; init; }
}

internal sealed record ApiAnnotations
{
    [JsonPropertyName("pinagent.dev/mode")]
    public string? Mode { get; init; }

    [JsonPropertyName("pinagent.dev/placement")]
    public string? Placement { get; init; }
}

/// <summary>What the API server answers instead of an object.</summary>
internal sealed record ApiStatus
{
    public int? Code { get; init; }
    public string? Reason { get; init; }
    public string? Message { get; init; }
}
