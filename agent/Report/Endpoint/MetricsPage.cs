using PinAgent.Report.Metrics;
using PinAgent.Report.Status;

namespace PinAgent.Report.Endpoint;

/// <summary>What Prometheus reads, as an answer.</summary>
/// <param name="store">The current status.</param>
/// <param name="delays">How long the threads have waited.</param>
/// <param name="vmMetrics">Whether each VM has metrics of its own.</param>
/// <param name="eventsDropped">How many events weren't told so far; null outside a cluster.</param>
internal sealed class MetricsPage(
    StatusStore store,
    RunDelays delays,
    bool vmMetrics,
    Func<long>? eventsDropped = null
)
{
    /// <summary>Where it is, on every listener.</summary>
    public const string Path = "/metrics";

    private static readonly string Version = typeof(MetricsPage)
        .Assembly.GetName()
        .Version!.ToString(3);

    /// <summary>The metrics now.</summary>
    public Answer Render() =>
        store.Current is { } current
            ? Answer.Text(
                NodeMetrics.ContentType,
                NodeMetrics.Render(
                    vmMetrics ? delays.Add(current).Status : current.Status,
                    store.Counters,
                    Version,
                    vmMetrics,
                    eventsDropped?.Invoke()
                )
            )
            : Answer.NotReady;
}
