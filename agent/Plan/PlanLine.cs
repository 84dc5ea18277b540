using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using PinAgent.Model;

namespace PinAgent.Plan;

/// <summary>
/// The JSON of <c>pinagent plan</c>: one request in, one answer out. A line that can't be understood is answered
/// with <see cref="Reason.InvalidInput"/>, never with an exception.
/// </summary>
public static class PlanLine
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
        var result = Place(json, defaultPolicy);
        ok = result is Placement;
        return result switch
        {
            Placement placement => JsonSerializer.Serialize(
                Accepted.From(placement),
                Json.Accepted
            ),
            Refusal refusal => JsonSerializer.Serialize(
                new Refused(refusal.Reason, refusal.Message, refusal.Needed, refusal.Available),
                Json.Refused
            ),
            _ => throw new InvalidOperationException($"unknown result {result.GetType()}"),
        };
    }

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

    private static PlacementResult Place(ReadOnlySpan<byte> json, IPlacementPolicy defaultPolicy)
    {
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
                $"policy: expected one of {string.Join(", ", Placer.PolicyNames)}, found \"{line.Policy}\""
            );
        }

        return line.TryRead(out var request, out var error)
            ? Placer.Place(request, policy)
            : Invalid(error);
    }

    // 0 of 0: what was needed is unknown when the request can't be read.
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
        public static Accepted From(Placement placement) =>
            new(
                true,
                placement.Vcpus.Select(cpu => cpu.ToString()),
                placement.Emulator.ToString(),
                placement.IoThreads.Select(cpus => cpus.ToString()),
                placement.SupplementalIoThreads.Select(cpu => cpu.ToString()),
                placement.Unused.ToString()
            );
    }

    internal sealed record Refused(Reason Reason, string Message, int Needed, int Available)
    {
        [JsonPropertyOrder(-1)]
        public bool Ok => false;
    }
}

/// <summary>A request as it's written. Everything is optional here; <see cref="TryRead"/> says what's missing.</summary>
internal sealed record RequestLine
{
    public TopologyPart? Topology { get; init; }

    public string? Cpuset { get; init; }

    public GuestPart? Guest { get; init; }

    public string? Policy { get; init; }

    public CurrentPart? Current { get; init; }

    public string? EmulatorCpuset { get; init; }

    public bool TryRead(
        [NotNullWhen(true)] out PlacementRequest? request,
        [NotNullWhen(false)] out string? error
    )
    {
        request = null;
        if (!TryReadTopology(out var topology, out error))
        {
            return false;
        }

        if (Cpuset is null)
        {
            error = "cpuset: missing; expected a list of CPUs like \"0-3,8\"";
            return false;
        }

        if (Guest is not { } guest)
        {
            error = "guest: missing; expected an object with sockets, cores and threads";
            return false;
        }

        var (sockets, cores, threads) = (guest.Sockets ?? 1, guest.Cores ?? 1, guest.Threads ?? 1);
        if (!GuestTopology.IsValid(sockets, cores, threads))
        {
            error =
                $"guest: expected sockets, cores and threads of at least 1 and at most "
                + $"{GuestTopology.MaxVcpus} vCPUs, found {sockets}×{cores}×{threads}";
            return false;
        }

        var errors = new List<string>();
        request = new PlacementRequest
        {
            Topology = topology,
            Cpuset = Read("cpuset", Cpuset) ?? CpuSet.Empty,
            Vcpus = sockets * cores * threads,
            ThreadsPerCore = threads,
            IsolateEmulatorThread = guest.IsolateEmulatorThread ?? false,
            EmulatorThreadCompleteToEvenParity = guest.EmulatorThreadCompleteToEvenParity ?? false,
            NumaPassthrough = guest.NumaPassthrough ?? false,
            IoThreads = guest.IoThreads ?? 0,
            SupplementalIoThreads = guest.SupplementalIoThreads ?? 0,
            EmulatorCpuset = Read("emulatorCpuset", EmulatorCpuset) ?? CpuSet.Empty,
            Current = Current is null
                ? null
                : new CurrentPlacement(
                    ReadAll("current.vcpus", Current.Vcpus),
                    ReadAll("current.supplementalIoThreads", Current.SupplementalIoThreads),
                    Read("current.emulator", Current.Emulator)
                ),
        };
        error = errors.FirstOrDefault();
        return error is null;

        CpuSet? Read(string field, string? text)
        {
            if (text is null)
            {
                return null;
            }

            if (!CpuSet.TryParse(text, out var set, out var problem))
            {
                errors.Add($"{field}: {problem}");
            }

            return set;
        }

        ImmutableArray<CpuSet?> ReadAll(string field, IReadOnlyList<string?>? texts) =>
            texts is null ? [] : [.. texts.Select((text, i) => Read($"{field}[{i}]", text))];
    }

    private bool TryReadTopology(
        [NotNullWhen(true)] out NodeTopology? topology,
        [NotNullWhen(false)] out string? error
    )
    {
        topology = null;
        if (Topology?.Cpus is not { Count: > 0 } cpus)
        {
            error =
                "topology.cpus: missing or empty; expected a list of CPUs with id, socket, numa and core";
            return false;
        }

        for (var i = 0; i < cpus.Count; i++)
        {
            var cpu = cpus[i];
            if (cpu?.Id is not (>= 0 and <= CpuSet.MaxId) || cpu.Core is null)
            {
                error =
                    $"topology.cpus[{i}]: expected an id from 0 to {CpuSet.MaxId} and a core, found id "
                    + $"{cpu?.Id?.ToString() ?? "none"} and core {cpu?.Core?.ToString() ?? "none"}";
                return false;
            }
        }

        try
        {
            topology = new NodeTopology(
                cpus.Select(cpu => new LogicalCpu(
                    cpu!.Id!.Value,
                    cpu.Socket ?? 0,
                    cpu.Numa ?? 0,
                    cpu.Core!.Value,
                    cpu.L3
                ))
            );
        }
        catch (ArgumentException twice)
        {
            error = $"topology.cpus: {twice.Message.Split(" (")[0]}";
            return false;
        }

        error = null;
        return true;
    }
}

internal sealed record TopologyPart(IReadOnlyList<CpuPart?>? Cpus);

internal sealed record CpuPart(int? Id, int? Socket, int? Numa, int? Core, int? L3);

internal sealed record GuestPart
{
    public int? Sockets { get; init; }

    public int? Cores { get; init; }

    public int? Threads { get; init; }

    public bool? IsolateEmulatorThread { get; init; }

    public bool? EmulatorThreadCompleteToEvenParity { get; init; }

    public bool? NumaPassthrough { get; init; }

    public int? IoThreads { get; init; }

    public int? SupplementalIoThreads { get; init; }
}

internal sealed record CurrentPart(
    IReadOnlyList<string?>? Vcpus,
    IReadOnlyList<string?>? SupplementalIoThreads,
    string? Emulator
);

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    UseStringEnumConverter = true
)]
[JsonSerializable(typeof(RequestLine))]
[JsonSerializable(typeof(PlanLine.Accepted))]
[JsonSerializable(typeof(PlanLine.Refused))]
internal sealed partial class PlanJson : JsonSerializerContext;
