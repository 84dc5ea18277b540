using System.Diagnostics.CodeAnalysis;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using PinAgent.Kubernetes.Client;
using PinAgent.Kubernetes.Watch;
using PinAgent.Model;

namespace PinAgent.Report.Cluster;

/// <summary>
/// What is to be told to the API server, sent one after another beside the passes, which never wait for it. A server in
/// trouble is tried again; what it refuses is dropped, and said once. There is a limit to what is kept meanwhile.
/// </summary>
internal sealed class ApiOutbox : BackgroundService
{
    /// <summary>How much is kept while the server is away: a few for each VM of a large node.</summary>
    public const int Largest = 1000;

    private const int MostDoubts = 3;

    private readonly ApiConnection _connection;
    private readonly TimeProvider _time;
    private readonly Func<double> _random;
    private readonly Trigger _trigger = new();
    private readonly Lock _lock = new();
    private readonly OrderedDictionary<string, ApiMessageOut> _waiting = [];
    private int _lost;
    private long _dropped;
    private string? _told;

    /// <summary>Creates an empty outbox.</summary>
    /// <param name="random">From 0 to below 1: spreads what many nodes would do at once.</param>
    public ApiOutbox(ApiConnection connection, TimeProvider time, Func<double> random) =>
        (_connection, _time, _random) = (connection, time, random);

    /// <summary>How much waits to be sent.</summary>
    public int Count
    {
        get
        {
            lock (_lock)
            {
                return _waiting.Count;
            }
        }
    }

    /// <summary>How much was never taken: too much waited, or the server refused it.</summary>
    public long Dropped => Volatile.Read(ref _dropped);

    /// <summary>The log.</summary>
    public ILogger Logger { get; set; } = NullLogger.Instance;

    /// <summary>Puts something in; returns at once.</summary>
    /// <param name="key">What it is about. Of two with the same key that wait, the newer is sent.</param>
    public void Put(string key, ApiMessageOut message)
    {
        lock (_lock)
        {
            _waiting.Remove(key);
            _waiting.Add(key, message);
            if (_waiting.Count > Largest)
            {
                _waiting.RemoveAt(0);
                _lost++;
                Interlocked.Increment(ref _dropped);
            }
        }

        _trigger.Set();
    }

    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        var failures = 0;
        try
        {
            while (true)
            {
                if (!TryPeek(out var key, out var message))
                {
                    await _trigger.WaitAsync(stoppingToken);
                    continue;
                }

                var problem = await SendAsync(message, stoppingToken);
                if (problem is { IsPassing: true } || IsDoubted(problem, failures))
                {
                    Tell(problem.Message);
                    await Task.Delay(Wait(problem!, ++failures), _time, stoppingToken);
                    continue;
                }

                failures = 0;
                if (problem is not null)
                {
                    Interlocked.Increment(ref _dropped);
                }

                Tell(problem?.Message);
                Remove(key, message);
            }
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // As told.
        }
    }

    // A server that starts refuses everything for a moment; what is refused for another reason holds up the rest no
    // longer than that.
    private bool IsDoubted([NotNullWhen(true)] ApiProblem? problem, int failures) =>
        problem is { IsRefusal: true } && failures < MostDoubts && !_connection.IsSettled;

    // Null if it was taken.
    private async Task<ApiProblem?> SendAsync(ApiMessageOut message, CancellationToken stop)
    {
        try
        {
            using var response = await _connection.SendAsync(
                message.Method,
                message.Path,
                message.Json,
                message.MediaType,
                stop
            );
            return null;
        }
        catch (Exception exception)
            when (!stop.IsCancellationRequested && ApiProblem.Of(exception) is { } problem)
        {
            return problem;
        }
    }

    private TimeSpan Wait(ApiProblem problem, int failures) =>
        problem.RetryAfter is { } asked
            ? Backoff.AskedFor(asked, _random())
            : Backoff.Usual.Delay(failures, _random());

    private bool TryPeek(
        [NotNullWhen(true)] out string? key,
        [NotNullWhen(true)] out ApiMessageOut? message
    )
    {
        lock (_lock)
        {
            (key, message) = _waiting.Count > 0 ? _waiting.GetAt(0) : default;
            return key is not null;
        }
    }

    // Unless a newer one has taken its place meanwhile.
    private void Remove(string key, ApiMessageOut sent)
    {
        lock (_lock)
        {
            if (_waiting.TryGetValue(key, out var now) && ReferenceEquals(now, sent))
            {
                _waiting.Remove(key);
            }
        }
    }

    private void Tell(string? problem)
    {
        if (problem is not null && problem != _told)
        {
            ReportLog.NotTold(Logger, problem);
        }

        _told = problem;
        if (Interlocked.Exchange(ref _lost, 0) is > 0 and var lost)
        {
            ReportLog.Lost(Logger, lost);
        }
    }
}

/// <summary>A write.</summary>
internal sealed record ApiMessageOut(HttpMethod Method, string Path, string MediaType, byte[] Json);

/// <summary>What is told of what isn't told.</summary>
internal static partial class ReportLog
{
    [LoggerMessage(50, LogLevel.Warning, "Events: the API server doesn't take them: {Problem}")]
    public static partial void NotTold(ILogger logger, string problem);

    [LoggerMessage(
        51,
        LogLevel.Warning,
        "Events: {Count} of the oldest were dropped, for the API server was away too long"
    )]
    public static partial void Lost(ILogger logger, int count);
}
