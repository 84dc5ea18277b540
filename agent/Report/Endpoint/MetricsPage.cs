using PinAgent.Report.Metrics;
using PinAgent.Report.Status;

namespace PinAgent.Report.Endpoint;

/// <summary>What Prometheus reads, as an answer.</summary>
/// <param name="delays">How long the threads have waited.</param>
/// <param name="vmMetrics">Whether each VM has metrics of its own.</param>
/// <param name="untold">What wasn't told so far.</param>
internal sealed class MetricsPage(
    StatusStore store,
    RunDelays delays,
    bool vmMetrics,
    Func<Untold>? untold = null
)
{
    /// <summary>Where it is, on every listener.</summary>
    public const string Path = "/metrics";

    private static readonly string Version = typeof(MetricsPage)
        .Assembly.GetName()
        .Version!.ToString(3);

    private readonly Lock _lock = new();
    private readonly WorstWaits _waits = new();
    private Rendered? _last;

    /// <summary>The metrics now: written once per pass, for all who ask.</summary>
    public Answer Render()
    {
        if (store.Current is not { } current)
        {
            return Answer.NotReady;
        }

        lock (_lock)
        {
            var wanted = new Rendered(
                delays.Add(current),
                store.Counters,
                untold?.Invoke() ?? default,
                Answer.NotReady
            );
            if (_last is null || !_last.IsOfSame(wanted))
            {
                var text = NodeMetrics.Render(
                    wanted.Status,
                    wanted.Counters,
                    Version,
                    vmMetrics,
                    wanted.Untold,
                    _waits.After(wanted.Status)
                );
                _last = wanted with { Answer = Answer.Text(NodeMetrics.ContentType, text) };
            }

            return _last.Answer;
        }
    }

    private sealed record Rendered(
        NodeStatus Status,
        PassCounters Counters,
        Untold Untold,
        Answer Answer
    )
    {
        public bool IsOfSame(Rendered other) =>
            ReferenceEquals(Status, other.Status)
            && ReferenceEquals(Counters, other.Counters)
            && Untold == other.Untold;
    }
}
