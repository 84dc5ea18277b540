using System.Text.Json;
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
[JsonSerializable(typeof(ApiPod))]
[JsonSerializable(typeof(ApiVmi))]
[JsonSerializable(typeof(ApiStatus))]
[JsonSerializable(typeof(ApiConfigMap))]
[JsonSerializable(typeof(ApiKubeVirt))]
[JsonSerializable(typeof(ApiNode))]
[JsonSerializable(typeof(ApiNodeLabels))]
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
    public string? DeletionTimestamp { get; init; }
    public ApiLabels? Labels { get; init; }
    public ApiAnnotations? Annotations { get; init; }
    public ApiOwner?[]? OwnerReferences { get; init; }
}

internal sealed record ApiLabels
{
    [JsonPropertyName("kubevirt.io")]
    public string? Component { get; init; }

    [JsonPropertyName("kubevirt.io/created-by")]
    public string? CreatedBy { get; init; }
}

internal sealed record ApiAnnotations
{
    [JsonPropertyName("pinagent.dev/mode")]
    public string? Mode { get; init; }

    [JsonPropertyName("alpha.kubevirt.io/EmulatorThreadCompleteToEvenParity")]
    public string? EvenParity { get; init; }
}

internal sealed record ApiOwner
{
    public string? Kind { get; init; }
    public string? Name { get; init; }
    public string? Uid { get; init; }
}

internal sealed record ApiPod
{
    public ApiPodSpec? Spec { get; init; }
    public ApiPodStatus? Status { get; init; }
}

internal sealed record ApiPodSpec
{
    public ApiNodeSelector? NodeSelector { get; init; }
    public ApiContainer?[]? InitContainers { get; init; }
    public ApiContainer?[]? Containers { get; init; }
}

internal sealed record ApiNodeSelector
{
    [JsonPropertyName("kubevirt.io/cpumanager")]
    public string? KubeVirtCpuManager { get; init; }

    public string? Cpumanager { get; init; }
}

internal sealed record ApiContainer
{
    public string? Name { get; init; }
    public ApiResources? Resources { get; init; }
}

internal sealed record ApiResources(ApiAmounts? Requests, ApiAmounts? Limits);

internal sealed record ApiAmounts
{
    [JsonConverter(typeof(AmountConverter))]
    public string? Cpu { get; init; }

    [JsonConverter(typeof(AmountConverter))]
    public string? Memory { get; init; }
}

internal sealed record ApiPodStatus
{
    public string? Phase { get; init; }
    public ApiContainerStatus?[]? InitContainerStatuses { get; init; }
    public ApiContainerStatus?[]? ContainerStatuses { get; init; }
}

internal sealed record ApiContainerStatus
{
    public string? Name { get; init; }

    [JsonPropertyName("containerID")]
    public string? ContainerId { get; init; }
}

internal sealed record ApiVmi(ApiVmiSpec? Spec, ApiVmiStatus? Status);

internal sealed record ApiVmiSpec(ApiDomain? Domain);

internal sealed record ApiDomain
{
    public ApiCpu? Cpu { get; init; }
    public ApiResources? Resources { get; init; }
    public string? IoThreadsPolicy { get; init; }
}

internal sealed record ApiCpu
{
    public bool? DedicatedCpuPlacement { get; init; }
    public bool? IsolateEmulatorThread { get; init; }
    public uint? Sockets { get; init; }
    public uint? Cores { get; init; }
    public uint? Threads { get; init; }
    public uint? MaxSockets { get; init; }
    public ApiNuma? Numa { get; init; }
    public ApiRealtime? Realtime { get; init; }
}

internal sealed record ApiNuma(ApiPresent? GuestMappingPassthrough);

/// <summary>An object that says all by being there.</summary>
internal sealed record ApiPresent;

internal sealed record ApiRealtime(string? Mask);

internal sealed record ApiVmiStatus
{
    public string? NodeName { get; init; }

    [JsonPropertyName("currentCPUTopology")]
    public ApiCpu? CurrentCpuTopology { get; init; }

    public ApiMigration? MigrationState { get; init; }
}

internal sealed record ApiMigration(string? SourceNode, string? TargetNode);

/// <summary>What the API server answers instead of an object.</summary>
internal sealed record ApiStatus
{
    public int? Code { get; init; }
    public string? Reason { get; init; }
    public string? Message { get; init; }
}

/// <summary>An amount is a text or a number: <c>"2"</c>, <c>2</c>, <c>1.5</c>.</summary>
internal sealed class AmountConverter : JsonConverter<string>
{
    private static readonly int Longest = 256;

    public override string? Read(
        ref Utf8JsonReader reader,
        Type typeToConvert,
        JsonSerializerOptions options
    ) =>
        reader.TokenType switch
        {
            JsonTokenType.String when reader.ValueSpan.Length <= Longest => reader.GetString(),
            JsonTokenType.Number when reader.ValueSpan.Length <= Longest =>
                System.Text.Encoding.UTF8.GetString(reader.ValueSpan),
            _ => throw new JsonException(),
        };

    public override void Write(
        Utf8JsonWriter writer,
        string value,
        JsonSerializerOptions options
    ) => writer.WriteStringValue(value);
}
