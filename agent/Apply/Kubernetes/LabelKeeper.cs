using System.Collections.Immutable;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using PinAgent.Model;
using PinAgent.Observe.Kubernetes;
using PinAgent.Plan;
using PinAgent.Report;

namespace PinAgent.Apply.Kubernetes;

/// <summary>
/// Keeps the node's labels by the CPU manager and the feature gate. It works beside the passes, which never wait for it.
/// The node is read when one of the two has changed, and in mode auto, while the gate is on, every few minutes for
/// virt-handler's heartbeat; at rest there is no other request. The labels stay when it stops.
/// </summary>
public sealed class LabelKeeper : BackgroundService
{
    /// <summary>The shortest time between two looks at an unchanged node.</summary>
    public static readonly TimeSpan Period = TimeSpan.FromMinutes(5);

    // The second is for a label that was changed while the first was on its way.
    private const int MostWrites = 2;

    private readonly NodeLabelWriter _node;
    private readonly LabelSettings _settings;
    private readonly TimeProvider _time;
    private readonly Func<double> _random;
    private readonly long _start;
    private readonly Trigger _trigger = new();
    private CpuManagerHistory _history = CpuManagerHistory.None;
    private volatile LabelQuestion _question = new(null, FeatureGate.Unknown);
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

    /// <summary>The labels as they were last seen, by key.</summary>
    public ImmutableSortedDictionary<string, LabelStatus> Status => _status;

    /// <summary>Takes in what a pass has seen; returns at once.</summary>
    /// <param name="observation">The CPU manager.</param>
    /// <param name="gate">The feature gate.</param>
    public void Look(CpuManagerObservation observation, FeatureGate gate)
    {
        _history = _history.With(observation, _time.GetElapsedTime(_start));

        // What was known of the gate holds while it isn't known.
        var question = new LabelQuestion(
            _history.IsRunning,
            gate == FeatureGate.Unknown ? _question.Gate : gate
        );
        if (question != _question)
        {
            _question = question;
            _trigger.Set();
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
                await _trigger.WaitAsync(stoppingToken);
                alarm?.Dispose();
                var question = _question;
                if (!question.IsDecidable)
                {
                    continue;
                }

                TimeSpan next;
                try
                {
                    next = await TurnAsync(question, stoppingToken);
                    failures = 0;
                }
                catch (Exception exception)
                    when (!stoppingToken.IsCancellationRequested
                        && ApiProblem.Of(exception) is { } problem
                    )
                {
                    next = Wait(problem, ++failures);
                    Show(question, problem);
                }

                alarm = _time.CreateTimer(
                    _ => _trigger.Set(),
                    null,
                    next,
                    Timeout.InfiniteTimeSpan
                );
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

    // Returns when to look again.
    private async Task<TimeSpan> TurnAsync(LabelQuestion question, CancellationToken stop)
    {
        var node = await _node.ReadAsync(stop);
        var decision = Decide(question, node);
        for (var writes = 0; decision.IsWrite && writes < MostWrites; writes++)
        {
            try
            {
                node = await _node.ApplyAsync(node.Uid, decision.Keys, stop);
                Tell(decision);
            }
            catch (ApiException problem) when (problem.Problem.Kind == ApiProblemKind.Conflict)
            {
                // Who owns it now says the node; what is theirs isn't asked for again.
                LabelLog.Failed(Logger, problem.Message);
                node = await _node.ReadAsync(stop);
            }

            decision = Decide(question, node);
        }

        if (decision.IsWrite)
        {
            throw new ApiException(
                new(
                    ApiProblemKind.Conflict,
                    "the API server doesn't take the labels, or takes them and keeps others"
                )
            );
        }

        Show(decision);
        return _settings.Mode == LabelMode.Auto && question.Gate == FeatureGate.On
            ? Jittered(Period)
            : Timeout.InfiniteTimeSpan;
    }

    private LabelDecision Decide(LabelQuestion question, NodeLabels node) =>
        LabelDecision.Decide(question, _settings, node, _time.GetUtcNow());

    private TimeSpan Wait(ApiProblem problem, int failures) =>
        problem switch
        {
            { Kind: ApiProblemKind.Conflict } => Jittered(Period),
            { RetryAfter: { } asked } => Backoff.AskedFor(asked, _random()),
            { Kind: ApiProblemKind.NotFound or ApiProblemKind.Forbidden } => Backoff.Slow.Delay(
                failures,
                _random()
            ),
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
}
