using System.Text.Json;
using System.Text.Json.Serialization;
using PinAgent.Model.Kubernetes;
using PinAgent.Model.Node;
using PinAgent.Model.Vm;
using PinAgent.Plan.Dedication;

namespace PinAgent.State;

internal sealed record RememberedFile : VersionedFile
{
    public RememberedVm?[]? Vms { get; init; }
}

/// <summary>What was decided about the VM of a container.</summary>
internal sealed record RememberedVm
{
    // Names of Kubernetes' objects, and of containers.
    private const int LongestName = 253;

    public string? PodUid { get; init; }
    public string? ContainerId { get; init; }
    public bool Dedicated { get; init; }

    /// <summary>The VMI's name; null if the VM was only inferred to be dedicated.</summary>
    public string? Name { get; init; }
    public string? Namespace { get; init; }

    /// <summary>The VMI, whole: a field that is left out would be another VM's after a restart.</summary>
    public VmiFacts? Vmi { get; init; }

    [JsonConverter(typeof(JsonStringEnumConverter<ModeLimit>))]
    public ModeLimit Limit { get; init; }

    [JsonIgnore]
    public ContainerKey Container => new(PodUid ?? "", ContainerId ?? "");

    /// <summary>Whether it makes sense; what doesn't costs only itself.</summary>
    [JsonIgnore]
    public bool IsSound =>
        PodUid is { Length: > 0 and <= LongestName }
        && ContainerId is { Length: <= LongestName }
        && Enum.IsDefined(Limit)
        && Name is null or { Length: > 0 and <= LongestName }
        && Namespace is null or { Length: > 0 and <= LongestName }
        && (Vmi is null || (Vmi.Name == Name && Vmi.Namespace == Namespace && Vmi.Spec is not null))
        && (
            Vmi?.CurrentTopology is not { } topology
            || GuestTopology.IsValid(topology.Sockets, topology.Cores, topology.Threads)
        );

    public static RememberedVm Of(ContainerKey container, Decision decision) =>
        new()
        {
            PodUid = container.PodUid,
            ContainerId = container.ContainerId,
            Dedicated = decision.Dedicated ?? false,
            Name = decision.Vmi?.Name,
            Namespace = decision.Vmi?.Namespace,
            Vmi = decision.Vmi,
            Limit = decision.Limit,
        };

    public Decision ToDecision() =>
        new()
        {
            Dedicated = Dedicated,
            Limit = Limit,
            Vmi = Name is null
                ? null
                : Vmi
                    ?? new VmiFacts(Namespace, Name)
                    {
                        Spec = new VmiSpec { DedicatedCpuPlacement = Dedicated },
                    },
        };
}

/// <summary>A quantity as it was written.</summary>
internal sealed class QuantityJson : JsonConverter<Quantity>
{
    public override Quantity Read(
        ref Utf8JsonReader reader,
        Type typeToConvert,
        JsonSerializerOptions options
    ) =>
        reader.TokenType == JsonTokenType.String
        && Quantity.TryParse(reader.GetString()!, out var quantity)
            ? quantity
            : throw new JsonException("expected a quantity");

    public override void Write(
        Utf8JsonWriter writer,
        Quantity value,
        JsonSerializerOptions options
    ) => writer.WriteStringValue(value.ToString());
}
