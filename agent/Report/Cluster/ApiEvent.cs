using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace PinAgent.Report.Cluster;

/// <summary>An event's JSON, <c>events.k8s.io/v1</c>.</summary>
/// <remarks>Source: <c>k8s.io/api/events/v1/types.go</c>.</remarks>
internal sealed record ApiEvent
{
    public string ApiVersion { get; init; } = "events.k8s.io/v1";
    public string Kind { get; init; } = "Event";
    public required ApiEventMetadata Metadata { get; init; }
    public required string EventTime { get; init; }
    public string ReportingController { get; init; } = "pinagent.dev/agent";
    public required string ReportingInstance { get; init; }
    public string Action { get; init; } = "Pin";
    public required string Reason { get; init; }
    public required string Type { get; init; }
    public required string Note { get; init; }
    public required ApiEventSubject Regarding { get; init; }

    /// <summary>The request that creates an event, or counts one that is there.</summary>
    public static ApiMessageOut Write(EventSeries series, string node)
    {
        var path =
            $"/apis/events.k8s.io/v1/namespaces/{Uri.EscapeDataString(series.Subject.Namespace)}/events";
        return series.IsNew
            ? new ApiMessageOut(
                HttpMethod.Post,
                path,
                "application/json",
                JsonSerializer.SerializeToUtf8Bytes(Of(series, node), EventJson.Default.ApiEvent)
            )
            : new ApiMessageOut(
                HttpMethod.Patch,
                $"{path}/{Uri.EscapeDataString(series.Name)}",
                "application/merge-patch+json",
                JsonSerializer.SerializeToUtf8Bytes(
                    new ApiEventCount(new(series.Count, Time(series.Last))),
                    EventJson.Default.ApiEventCount
                )
            );
    }

    private static ApiEvent Of(EventSeries series, string node) =>
        new()
        {
            Metadata = new(series.Name, series.Subject.Namespace),
            EventTime = Time(series.Begin),
            ReportingInstance = node,
            Reason = $"{series.First.Kind}",
            Type = series.First.IsWarning ? "Warning" : "Normal",
            Note = series.First.Note,
            Regarding = new(
                series.Subject.ApiVersion,
                series.Subject.Kind,
                series.Subject.Namespace,
                series.Subject.Name,
                series.Subject.Uid
            ),
        };

    // A MicroTime.
    private static string Time(DateTimeOffset time) =>
        time.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.ffffff'Z'", CultureInfo.InvariantCulture);
}

internal sealed record ApiEventMetadata(string Name, string Namespace);

internal sealed record ApiEventSubject(
    string ApiVersion,
    string Kind,
    string Namespace,
    string Name,
    string Uid
);

internal sealed record ApiEventCount(ApiEventSeries Series);

internal sealed record ApiEventSeries(int Count, string LastObservedTime);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(ApiEvent))]
[JsonSerializable(typeof(ApiEventCount))]
[JsonSerializable(typeof(ApiPlacementPatch))]
internal sealed partial class EventJson : JsonSerializerContext;
