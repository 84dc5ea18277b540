using System.Collections.Immutable;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using PinAgent.Kubernetes.Client;
using PinAgent.Kubernetes.Watch;
using PinAgent.Model;
using PinAgent.Model.Kubernetes;
using PinAgent.Model.Node;
using PinAgent.Plan.Labels;

namespace PinAgent.Report.Cluster;

/// <summary>
/// Keeps the node's labels by the CPU manager and the feature gate. It works beside the passes, which never wait for it,
/// and sees the node through the watch, so that it asks for nothing: it only writes. The labels stay when it stops.
/// </summary>
internal sealed class LabelKeeper : BackgroundService
{
    /// <summary>How long a refused write isn't tried again unless something has changed.</summary>
    public static readonly TimeSpan Period = TimeSpan.FromMinutes(5);

    private readonly NodeLabelWriter _node;
    private readonly LabelSettings _settings;
    private readonly TimeProvider _time;
    private readonly Func<double> _random;
    private readonly long _start;
    private CpuManagerHistory _history = CpuManagerHistory.None;
    private volatile View _view = new(new(null, FeatureGate.Unknown), null, false);
    private volatile ImmutableSortedDictionary<string, LabelStatus> _status =
        ImmutableSortedDictionary<string, LabelStatus>.Empty;
    private string? _told;

    internal LabelKeeper(
        ApiConnection connection,
        string node,
        LabelSettings settings,
        TimeProvider time,
        Func<double> random
    )
    {
        _node = new NodeLabelWriter(connection, node);
        (_settings, _time, _random) = (settings, time, random);
        _start = time.GetTimestamp();
    }

    /// <summary>The log.</summary>
    public ILogger Logger { get; set; } = NullLogger.Instance;

    /// <summary>Says that there's something to look at.</summary>
    internal Trigger Trigger { get; } = new();

    /// <summary>The labels as they were last seen, by key.</summary>
    public ImmutableSortedDictionary<string, LabelStatus> Status => _status;

    /// <summary>Takes in what a pass has seen; returns at once.</summary>
    /// <param name="facts">What the API server tells of the node and of the feature gate.</param>
    public void Look(CpuManagerObservation observation, ClusterFacts facts)
    {
        _history = _history.With(observation, _time.GetElapsedTime(_start));

        // What was known of the gate holds while it isn't known. A heartbeat counts only as a sign of life.
        var gate = facts.CpuManagerGate;
        var view = new View(
            new LabelQuestion(
                _history.IsRunning,
                gate == FeatureGate.Unknown ? _view.Question.Gate : gate
            ),
            facts.NodeLabels is { } node ? node with { Heartbeat = null } : null,
            facts.NodeLabels?.HasLiveHandler(_time.GetUtcNow()) ?? false
        );
        if (view != _view)
        {
            _view = view;
            Trigger.Set();
        }
    }

    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        ITimer? alarm = null;
        var failures = 0;
        try
        {
            while (true)
            {
                await Trigger.WaitAsync(stoppingToken);
                alarm?.Dispose();
                var view = _view;
                if (!view.Question.IsDecidable || view.Node is not { } node)
                {
                    continue;
                }

                try
                {
                    await TurnAsync(view, node, stoppingToken);
                    failures = 0;
                }
                catch (Exception exception)
                    when (!stoppingToken.IsCancellationRequested
                        && ApiProblem.Of(exception) is { } problem
                    )
                {
                    Show(view.Question, problem);
                    alarm = _time.CreateTimer(
                        _ => Trigger.Set(),
                        null,
                        Wait(problem, ++failures),
                        Timeout.InfiniteTimeSpan
                    );
                }
            }
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // As told.
        }
        finally
        {
            alarm?.Dispose();
        }
    }

    private async Task TurnAsync(View view, NodeLabels node, CancellationToken stop)
    {
        var decision = Decide(view, node);
        if (decision.IsWrite)
        {
            var written = await _node.ApplyAsync(node.Uid, decision.Keys, stop);
            Tell(decision);
            decision = Decide(view, written);
            if (decision.IsWrite)
            {
                throw new ApiException(
                    new(
                        ApiProblemKind.Conflict,
                        "the API server takes the labels, and keeps others"
                    )
                );
            }
        }

        Show(decision);
    }

    private LabelDecision Decide(View view, NodeLabels node) =>
        LabelDecision.Decide(view.Question, _settings, node, view.HasLiveHandler);

    private TimeSpan Wait(ApiProblem problem, int failures) =>
        problem switch
        {
            { Kind: ApiProblemKind.Conflict } => Jittered(Period),
            { RetryAfter: { } asked } => Backoff.AskedFor(asked, _random()),
            { IsRefusal: true } when !_node.IsSettled => Backoff.Refused.Delay(failures, _random()),
            { IsRefusal: true } => Backoff.Slow.Delay(failures, _random()),
            _ => Backoff.Usual.Delay(failures, _random()),
        };

    private TimeSpan Jittered(TimeSpan time) => time * (1 + (_random() / 2));

    private void Tell(LabelDecision written)
    {
        _told = written.Message;
        if (written.Action == LabelAction.Apply)
        {
            LabelLog.Applied(Logger, written.Message, string.Join(", ", written.Keys));
        }
        else
        {
            LabelLog.GivenUp(Logger, written.Message);
        }
    }

    private void Show(LabelDecision decision)
    {
        _status = LabelStatus.Of(decision);
        var problems = decision.Labels.Select(label => label.Problem).OfType<string>();
        if (IsNews(string.Join('\n', problems.Prepend(decision.Message))))
        {
            LabelLog.Stands(Logger, decision.Message);
            foreach (var label in decision.Labels)
            {
                if (label.Problem is { } problem)
                {
                    LabelLog.Wrong(Logger, label.Key, problem);
                }
            }
        }
    }

    private void Show(LabelQuestion question, ApiProblem problem)
    {
        var wanted = question is { Gate: FeatureGate.On, IsRunning: true }
            ? LabelDecision.True
            : null;
        _status = _settings.Keys.ToImmutableSortedDictionary(
            key => key,
            key => new LabelStatus(
                wanted,
                _status.GetValueOrDefault(key)?.Actual,
                _status.GetValueOrDefault(key)?.Owner,
                $"not known for now: {problem.Message}"
            ),
            StringComparer.Ordinal
        );
        if (IsNews(problem.Message))
        {
            LabelLog.Failed(Logger, problem.Message);
        }
    }

    private bool IsNews(string text)
    {
        var isNews = _told != text;
        _told = text;
        return isNews;
    }

    /// <summary>What a decision depends on.</summary>
    private sealed record View(LabelQuestion Question, NodeLabels? Node, bool HasLiveHandler);
}
