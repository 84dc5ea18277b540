using System.Collections.Immutable;
using System.Text.Json;
using System.Text.Json.Serialization;
using PinAgent.Report.Status;

namespace PinAgent.Cli.Top;

/// <summary>What <c>pinagent top -o json</c> prints: one measurement.</summary>
/// <param name="Seconds">How long it was measured.</param>
/// <param name="Vcpus">The vCPUs, sorted as asked.</param>
internal sealed record TopStatus(string Node, double Seconds, ImmutableArray<TopVcpu> Vcpus)
{
    /// <summary>The measurement as JSON.</summary>
    public static string Json(NodeStatus status, ImmutableArray<TopRow> rows, double seconds) =>
        JsonSerializer.Serialize(
            new TopStatus(
                status.Node,
                seconds,
                [
                    .. rows.Select(row => new TopVcpu(
                        row.Vm,
                        row.Pid,
                        row.Index,
                        row.Cpus?.ToString(),
                        row.Waited,
                        row.Stolen,
                        row.Migrations,
                        row.IsAway,
                        row.Who
                    )),
                ]
            ),
            TopJson.Default.TopStatus
        );
}

/// <summary>A vCPU.</summary>
/// <param name="Vm">Namespace and name.</param>
/// <param name="Vcpu">Its number.</param>
/// <param name="Cpus">The CPUs it may run on; null when it's gone.</param>
/// <param name="WaitShare">The share of the time in which it waited for its CPU; null if that isn't known.</param>
/// <param name="StealShare">The share in which the machine's own host took that CPU away; null if that isn't known.</param>
/// <param name="Moves">How often it changed its CPU; null if the kernel doesn't count that.</param>
/// <param name="IsAway">Whether it isn't where it belongs.</param>
/// <param name="Who">Who disturbs it, or why it isn't where it belongs; empty if nobody does.</param>
internal sealed record TopVcpu(
    string Vm,
    int Pid,
    int Vcpu,
    string? Cpus,
    double? WaitShare,
    double? StealShare,
    long? Moves,
    bool IsAway,
    string Who
);

/// <summary>Its JSON, without reflection.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    WriteIndented = true
)]
[JsonSerializable(typeof(TopStatus))]
internal sealed partial class TopJson : JsonSerializerContext;
