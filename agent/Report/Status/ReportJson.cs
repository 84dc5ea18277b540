using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using PinAgent.Report.Bundle;
using PinAgent.Report.Detect;
using PinAgent.Report.Doctor;
using PinAgent.Report.Endpoint;
using PinAgent.Report.Rules;

namespace PinAgent.Report.Status;

/// <summary>The JSON of everything PinAgent reports, without reflection.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    UseStringEnumConverter = true,
    WriteIndented = true,
    Converters = [typeof(CpuSetConverter)]
)]
[JsonSerializable(typeof(NodeStatus))]
[JsonSerializable(typeof(VmStatus))]
[JsonSerializable(typeof(Problem))]
[JsonSerializable(typeof(TopologyStatus))]
[JsonSerializable(typeof(DetectStatus))]
[JsonSerializable(typeof(CapacityStatus))]
[JsonSerializable(typeof(DoctorStatus))]
[JsonSerializable(typeof(BundleManifest))]
[JsonSerializable(typeof(IReadOnlyList<ValidateStatus>))]
internal sealed partial class ReportJson : JsonSerializerContext;

/// <summary>The two forms of the JSON, both with × as ×.</summary>
internal static class ReportJsonContext
{
    /// <summary>Indented, for people.</summary>
    public static ReportJson Readable { get; } = Create(isIndented: true);

    /// <summary>On one line, for programs that read again and again.</summary>
    public static ReportJson Compact { get; } = Create(isIndented: false);

    private static ReportJson Create(bool isIndented) =>
        new(
            new JsonSerializerOptions(ReportJson.Default.Options)
            {
                Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
                WriteIndented = isIndented,
            }
        );
}
