using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using PinAgent.Model.Cpu;
using PinAgent.Model.Text;
using PinAgent.Model.Vm;

namespace PinAgent.Plan.Placement;

/// <summary>
/// The JSON of <c>pinagent plan</c>: one request in, one answer out. A line that can't be understood is answered
/// with <see cref="Reason.InvalidInput"/>, never with an exception.
/// </summary>
internal static class PlanLine
{
    // People read the answers, so × and quotes stay as they are.
    private static readonly PlanJson Json = new(
        new JsonSerializerOptions(PlanJson.Default.Options)
        {
            Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        }
    );

    /// <summary>Answers one request.</summary>
    /// <param name="json">The request, one JSON object.</param>
    /// <param name="defaultPolicy">The policy for requests that name none.</param>
    /// <param name="ok">Whether the VM can be placed.</param>
    /// <returns>The answer, one line of JSON.</returns>
    public static string Answer(
        ReadOnlySpan<byte> json,
        IPlacementPolicy defaultPolicy,
        out bool ok
    )
    {
        var result = Place(json, defaultPolicy, out var topology);
        ok = result is CpuPlacement;
        return result switch
        {
            CpuPlacement placement => JsonSerializer.Serialize(
                Accepted.From(placement, topology!),
                Json.Accepted
            ),
            Refusal refusal => JsonSerializer.Serialize(
                new Refused(refusal.Reason, refusal.Message, refusal.Needed, refusal.Available),
                Json.Refused
            ),
            _ => throw new InvalidOperationException($"unknown result {result.GetType()}"),
        };
    }

    /// <summary>The answer to a request that isn't read, as it's too long.</summary>
    public static string TooLong(int most) =>
        JsonSerializer.Serialize(
            new Refused(
                Reason.InvalidInput,
                $"expected a request of at most {most} characters, found more",
                0,
                0
            ),
            Json.Refused
        );

    /// <summary>Whether <paramref name="json"/> is one complete JSON value.</summary>
    public static bool IsComplete(ReadOnlySpan<byte> json)
    {
        var reader = new Utf8JsonReader(json);
        try
        {
            return reader.Read() && reader.TrySkip() && !reader.Read();
        }
        catch (JsonException)
        {
            return false;
        }
    }

    /// <summary>Whether <paramref name="json"/> is the beginning of an object, and more must come.</summary>
    public static bool IsUnfinished(ReadOnlySpan<byte> json)
    {
        var reader = new Utf8JsonReader(json, isFinalBlock: false, state: default);
        try
        {
            if (!reader.Read() || reader.TokenType != JsonTokenType.StartObject)
            {
                return false;
            }

            while (reader.Read()) { }
            return reader is not { TokenType: JsonTokenType.EndObject, CurrentDepth: 0 };
        }
        catch (JsonException)
        {
            return false;
        }
    }

    private static PlacementResult Place(
        ReadOnlySpan<byte> json,
        IPlacementPolicy defaultPolicy,
        out NodeTopology? topology
    )
    {
        topology = null;
        RequestLine? line;
        try
        {
            line = JsonSerializer.Deserialize(json, PlanJson.Default.RequestLine);
        }
        catch (JsonException problem)
        {
            return Invalid(Describe(problem));
        }

        if (line is null)
        {
            return Invalid("expected a JSON object, found null");
        }

        var policy = line.Policy is null ? defaultPolicy : Placer.FindPolicy(line.Policy);
        if (policy is null)
        {
            return Invalid(
                $"policy: expected one of {string.Join(", ", Placer.PolicyNames)}, found \"{Words.Shown(line.Policy!)}\""
            );
        }

        if (!line.TryRead(out var request, out var error))
        {
            return Invalid(error) with { Available = CountCpus(line.Cpuset) };
        }

        topology = request.Topology;
        return Placer.Place(request, policy);
    }

    private static int CountCpus(string? cpuset) =>
        cpuset is not null && CpuSet.TryParse(cpuset, out var cpus, out _) ? cpus.Count : 0;

    // What is needed is unknown when the request can't be read.
    private static Refusal Invalid(string message) => new(Reason.InvalidInput, message, 0, 0);

    // System.Text.Json names our types and counts bytes; people want the field.
    private static string Describe(JsonException problem) =>
        problem.Message.StartsWith(
            "The JSON value could not be converted",
            StringComparison.Ordinal
        )
            ? problem.Path is { Length: > 2 } path
                ? $"{path[2..]}: the value is of the wrong kind, or too large"
                : "expected a JSON object, found another kind of value"
            : $"expected a JSON object: {problem.Message.Split(" Path:")[0].Split(" LineNumber:")[0]}";

    internal sealed record Accepted(
        bool Ok,
        IEnumerable<string> Vcpus,
        string Emulator,
        IEnumerable<string> IoThreads,
        IEnumerable<string> SupplementalIoThreads,
        string Unused
    )
    {
        /// <summary>The kind of core that each vCPU is on, where there are several.</summary>
        [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
        public IEnumerable<string>? VcpuKinds { get; init; }

        public static Accepted From(CpuPlacement placement, NodeTopology topology) =>
            new(
                true,
                placement.Vcpus.Select(cpu => cpu.ToString()),
                placement.Emulator.ToString(),
                placement.IoThreads.Select(cpus => cpus.ToString()),
                placement.SupplementalIoThreads.Select(cpu => cpu.ToString()),
                placement.Unused.ToString()
            )
            {
                VcpuKinds = topology.MixesKinds
                    ? placement.Vcpus.Select(cpu => topology[cpu].Kind.Word())
                    : null,
            };
    }

    internal sealed record Refused(Reason Reason, string Message, int Needed, int Available)
    {
        [JsonPropertyOrder(-1)]
        public bool Ok => false;
    }
}

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    UseStringEnumConverter = true
)]
[JsonSerializable(typeof(RequestLine))]
[JsonSerializable(typeof(PlanLine.Accepted))]
[JsonSerializable(typeof(PlanLine.Refused))]
internal sealed partial class PlanJson : JsonSerializerContext;
