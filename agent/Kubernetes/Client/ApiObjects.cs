using System.Text.Json.Serialization;

namespace PinAgent.Kubernetes.Client;

/// <summary>
/// The JSON of what every object of the API has, and of reviews, without reflection. Source:
/// <c>k8s.io/apimachinery/pkg/apis/meta/v1/types.go</c>.
/// </summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    GenerationMode = JsonSourceGenerationMode.Metadata,
    MaxDepth = ApiJson.Deepest
)]
[JsonSerializable(typeof(ApiAny))]
[JsonSerializable(typeof(ApiStatus))]
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
