using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace PinAgent.Report;

/// <summary>The JSON of everything PinAgent reports, without reflection.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    UseStringEnumConverter = true,
    WriteIndented = true
)]
[JsonSerializable(typeof(NodeStatus))]
[JsonSerializable(typeof(TopologyStatus))]
[JsonSerializable(typeof(DetectStatus))]
[JsonSerializable(typeof(IReadOnlyList<ValidateStatus>))]
internal sealed partial class ReportJson : JsonSerializerContext;

/// <summary>The context with an encoder for people: × stays ×.</summary>
internal static class ReportJsonContext
{
    public static ReportJson Readable { get; } =
        new(
            new JsonSerializerOptions(ReportJson.Default.Options)
            {
                Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
            }
        );
}
