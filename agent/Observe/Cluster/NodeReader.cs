using System.Globalization;
using System.Text.Json;
using PinAgent.Model.Kubernetes;

namespace PinAgent.Observe.Cluster;

/// <summary>A node's labels, and who owns them. Pure.</summary>
internal static class NodeReader
{
    /// <summary>
    /// Reads <c>{"metadata":{"uid":"…","labels":{"cpumanager":"true"},"managedFields":[{"manager":"pinagent",
    /// "operation":"Apply","fieldsV1":{"f:metadata":{"f:labels":{"f:cpumanager":{}}}}}]}}</c>. The format of
    /// <c>fieldsV1</c>: <c>sigs.k8s.io/structured-merge-diff/fieldpath</c>, <c>serialize.go</c>.
    /// </summary>
    /// <exception cref="JsonException">It isn't a node.</exception>
    public static NodeLabels Read(ReadOnlySpan<byte> json)
    {
        var metadata = JsonSerializer.Deserialize(json, ClusterJson.Default.ApiNode)?.Metadata;
        if (metadata?.Uid is not { Length: > 0 } uid)
        {
            throw new JsonException("expected a node with metadata.uid, found none");
        }

        try
        {
            return Read(uid, metadata);
        }
        catch (InvalidOperationException problem)
        {
            throw new JsonException("half of a pair of UTF-16 escapes in managedFields", problem);
        }
    }

    private static NodeLabels Read(string uid, ApiNodeMetadata metadata) =>
        new(
            uid,
            new(metadata.Labels?.Select(label => new NodeLabel(label.Key, label.Value)) ?? []),
            new(
                (metadata.ManagedFields ?? [])
                    .OfType<ApiManagedFields>()
                    .Where(entry => string.IsNullOrEmpty(entry.Subresource))
                    .Select(entry => new LabelOwner(
                        entry.Manager ?? "",
                        entry.Operation == "Apply",
                        new(Keys(entry.FieldsV1))
                    ))
                    .Where(owner => owner.Keys.Count > 0)
            ),
            Heartbeat(metadata.Annotations?.Heartbeat)
        );

    /// <summary>Reads <c>{"status":{"allocatable":{"cpu":"15500m","memory":"65Gi"}}}</c>; null without it.</summary>
    /// <exception cref="JsonException">It isn't a node.</exception>
    public static NodeAllocatable? ReadAllocatable(ReadOnlySpan<byte> json) =>
        JsonSerializer.Deserialize(json, ClusterJson.Default.ApiNode)?.Status?.Allocatable
            is { } allocatable
            ? new(Amount(allocatable.Cpu), Amount(allocatable.Memory))
            : null;

    private static Quantity? Amount(string? text) =>
        Quantity.TryParse(text, out var quantity) ? quantity : null;

    private static IEnumerable<string> Keys(JsonElement fields)
    {
        const string Field = "f:";
        return
            fields.ValueKind == JsonValueKind.Object
            && fields.TryGetProperty("f:metadata", out var metadata)
            && metadata.ValueKind == JsonValueKind.Object
            && metadata.TryGetProperty("f:labels", out var labels)
            && labels.ValueKind == JsonValueKind.Object
            ? labels
                .EnumerateObject()
                .Where(label => label.Name.StartsWith(Field, StringComparison.Ordinal))
                .Select(label => label.Name[Field.Length..])
            : [];
    }

    private static DateTimeOffset? Heartbeat(string? text) =>
        DateTimeOffset.TryParse(
            text?.Trim('"'),
            CultureInfo.InvariantCulture,
            DateTimeStyles.AssumeUniversal,
            out var time
        )
            ? time
            : null;
}
