using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;
using System.Text.Json;
using PinAgent.Model.Cpu;
using PinAgent.Model.Node;

namespace PinAgent.Observe.Kubelet;

/// <summary>
/// The kubelet's CPU manager checkpoint, <c>cpu_manager_state</c>:
/// <c>{"policyName":"static","defaultCpuSet":"0-1","entries":{"&lt;pod uid&gt;":{"compute":"2-5"}},"checksum":1}</c>.
/// Fields it doesn't know, and the checksum, are passed over.
/// </summary>
/// <remarks>
/// Source: Kubernetes, <c>pkg/kubelet/cm/cpumanager/state/checkpoint.go</c>; the oldest format has
/// <c>entries: {"&lt;container id&gt;": "2-5"}</c>, newer ones <c>podEntries</c> beside them, and version 4 has all of it as
/// JSON in a text, <c>data</c>, which counts where it is.
/// </remarks>
internal static class CpuManagerStateFile
{
    /// <summary>Reads a checkpoint.</summary>
    /// <param name="checkpoint">The checkpoint, if it is one.</param>
    /// <param name="error">What was expected and what was found, if it isn't.</param>
    public static bool TryParse(
        ReadOnlySpan<byte> json,
        [NotNullWhen(true)] out CpuManagerCheckpoint? checkpoint,
        [NotNullWhen(false)] out string? error
    )
    {
        checkpoint = null;
        try
        {
            var reader = new Utf8JsonReader(json);
            using var document = JsonDocument.ParseValue(ref reader);
            _ = reader.Read(); // throws where anything follows: the rest of a longer file
            if (document.RootElement.ValueKind != JsonValueKind.Object)
            {
                error = $"expected a JSON object, found {document.RootElement.ValueKind}";
                return false;
            }

            // Version 4: what is outside is for kubelets that don't know it.
            if (Text(document.RootElement, "data") is { Length: > 0 } data)
            {
                using var inner = JsonDocument.Parse(data);
                checkpoint =
                    inner.RootElement.ValueKind == JsonValueKind.Object
                        ? Read(inner.RootElement)
                        : throw new FormatException(
                            $"data: expected a JSON object, found {inner.RootElement.ValueKind}"
                        );
            }
            else
            {
                checkpoint = Read(document.RootElement);
            }

            error = null;
            return true;
        }
        catch (Exception problem)
            when (problem is JsonException or FormatException or InvalidOperationException)
        {
            // InvalidOperationException: a text in it isn't UTF-8.
            checkpoint = null;
            error =
                problem is FormatException
                    ? problem.Message
                    : $"expected JSON, found a file cut short or overwritten ({json.Length} bytes)";
            return false;
        }
    }

    private static CpuManagerCheckpoint Read(JsonElement root)
    {
        var policy = Text(root, "policyName");
        if (string.IsNullOrEmpty(policy))
        {
            throw new FormatException("policyName: expected static or none, found nothing");
        }

        var entries = ImmutableArray.CreateBuilder<ExclusiveCpus>();
        foreach (var entry in Members(root, "entries"))
        {
            if (entry.Value.ValueKind == JsonValueKind.String)
            {
                entries.Add(new(null, entry.Name, Cpus($"entries.{entry.Name}", entry.Value)));
                continue;
            }

            foreach (var container in Members(root.GetProperty("entries"), entry.Name))
            {
                entries.Add(
                    new(
                        entry.Name,
                        container.Name,
                        Cpus($"entries.{entry.Name}.{container.Name}", container.Value)
                    )
                );
            }
        }

        // Pod-level CPUs: a list, or an object that has one among its members.
        foreach (var pod in Members(root, "podEntries"))
        {
            var values =
                pod.Value.ValueKind == JsonValueKind.Object
                    ? pod.Value.EnumerateObject().Select(member => member.Value)
                    : [pod.Value];
            foreach (var value in values.Where(value => value.ValueKind == JsonValueKind.String))
            {
                // The format is young: what isn't a list of CPUs is something we don't know yet.
                if (CpuSet.TryParse(value.GetString()!, out var cpus, out _))
                {
                    entries.Add(new(pod.Name, null, cpus));
                }
            }
        }

        return new CpuManagerCheckpoint(
            policy,
            root.TryGetProperty("defaultCpuSet", out var pool)
                ? Cpus("defaultCpuSet", pool)
                : CpuSet.Empty,
            entries.ToImmutable()
        );
    }

    private static IEnumerable<JsonProperty> Members(JsonElement parent, string name) =>
        parent.TryGetProperty(name, out var value) switch
        {
            false => [],
            true when value.ValueKind == JsonValueKind.Null => [],
            true when value.ValueKind == JsonValueKind.Object => value.EnumerateObject(),
            _ => throw new FormatException($"{name}: expected an object, found {value.ValueKind}"),
        };

    private static string? Text(JsonElement parent, string name) =>
        parent.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String
            ? value.GetString()
            : null;

    private static CpuSet Cpus(string field, JsonElement value)
    {
        string? error = $"expected a list of CPUs in quotes, found {value.ValueKind}";
        return
            value.ValueKind == JsonValueKind.String
            && CpuSet.TryParse(value.GetString()!, out var cpus, out error)
            ? cpus
            : throw new FormatException($"{field}: {error}");
    }
}
