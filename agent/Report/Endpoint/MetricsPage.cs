using PinAgent.Report.Metrics;

namespace PinAgent.Report.Endpoint;

/// <summary>What Prometheus reads, as an answer.</summary>
/// <param name="store">The current status.</param>
/// <param name="delays">How long the threads have waited.</param>
/// <param name="vmMetrics">Whether each VM has metrics of its own.</param>
internal sealed class MetricsPage(StatusStore store, RunDelays delays, bool vmMetrics)
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
                    vmMetrics
                )
            )
            : Answer.NotReady;
}
