using System.Text.Json;
using System.Text.Json.Serialization;
using PinAgent.Model.Cpu;

namespace PinAgent.Report.Status;

/// <summary>A set of CPUs as the kernel writes lists: <c>0-3,8</c>; the empty text for none.</summary>
internal sealed class CpuSetConverter : JsonConverter<CpuSet>
{
    /// <inheritdoc/>
    public override CpuSet Read(
        ref Utf8JsonReader reader,
        Type typeToConvert,
        JsonSerializerOptions options
    ) =>
        CpuSet.TryParse(reader.GetString() ?? "", out var cpus, out var problem)
            ? cpus
            : throw new JsonException(problem);

    /// <inheritdoc/>
    public override void Write(
        Utf8JsonWriter writer,
        CpuSet value,
        JsonSerializerOptions options
    ) => writer.WriteStringValue(value.ToString());
}
