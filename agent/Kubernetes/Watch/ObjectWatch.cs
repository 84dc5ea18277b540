using System.Text.Json;
using Microsoft.Extensions.Logging;
using PinAgent.Kubernetes.Client;

namespace PinAgent.Kubernetes.Watch;

/// <summary>
/// Keeps a store of objects current: lists them once, then watches. At rest there is an open watch and nothing else.
/// </summary>
/// <remarks>
/// KubernetesClient's own watch delivers nothing when compiled ahead of time. The protocol:
/// <c>kubernetes.io/docs/reference/using-api/api-concepts</c>. Lists are asked for with a version, so that the server
/// answers from its memory; without one it would read all of the cluster's pods for every node.
/// </remarks>
/// <typeparam name="T">The facts.</typeparam>
internal sealed class ObjectWatch<T>
    where T : IEquatable<T>
{
    /// <summary>How long a watch may be silent. Servers send a bookmark each minute, mostly.</summary>
    public static readonly TimeSpan SilenceLimit = TimeSpan.FromMinutes(10);

    private const int LargestList = 64 * 1024 * 1024;
    private const string AnyVersion = "0";

    // A watch that lived so long was a working one.
    private static readonly TimeSpan Working = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan ShortestWatch = TimeSpan.FromMinutes(40);

    private readonly ApiConnection _connection;
    private readonly WatchTarget _target;
    private readonly ObjectKind<T> _kind;
    private readonly ObjectStore<T> _store;
    private readonly TimeProvider _time;
    private readonly Func<double> _random;
    private readonly Func<ILogger> _logger;

    private string? _version = AnyVersion;
    private bool _hasList;
    private bool _hasProgressed;
    private bool _wasGranted;
    private int _path;

    public ObjectWatch(
        ApiConnection connection,
        WatchTarget target,
        ObjectKind<T> kind,
        ObjectStore<T> store,
        TimeProvider time,
        Func<double> random,
        Func<ILogger> logger
    )
    {
        (_connection, _target, _kind) = (connection, target, kind);
        (_store, _time, _random, _logger) = (store, time, random, logger);
    }

    /// <summary>The kind's path in the version that the server has.</summary>
    public string Path => _target.Paths[_path];

    /// <summary>Watches until told to stop.</summary>
    public async Task RunAsync(CancellationToken stop)
    {
        var retry = default(Retry);
        while (!stop.IsCancellationRequested)
        {
            _hasProgressed = false;
            ApiProblem? problem = null;
            try
            {
                await TurnAsync(stop);
            }
            catch (OperationCanceledException) when (stop.IsCancellationRequested)
            {
                return;
            }
            catch (Exception exception) when (ApiProblem.Of(exception) is { } found)
            {
                problem = found;
            }

            if (problem is { Kind: ApiProblemKind.Trouble, RetryAfter: null })
            {
                _connection.NoteLost();
            }

            retry = retry.After(problem, _hasProgressed, _wasGranted || !_connection.IsSettled);
            if (retry.Wait(problem, _random()) is { } wait)
            {
                problem ??= new(ApiProblemKind.Trouble, "the watch ends as soon as it begins");
                var isQuiet = _target.IsOptional && problem is { Kind: ApiProblemKind.NotFound };
                if (_store.Health.Problem != problem.Message && !isQuiet)
                {
                    KubernetesLog.Failed(_logger(), _target.What, problem.Message, wait);
                }

                _store.Failed(problem, _time.GetUtcNow(), IsDoubted(problem));
                await DelayAsync(wait, stop);
            }
        }
    }

    // A server that starts takes no right away, and no kind with all its objects; but a kind that it hasn't had before
    // it needn't have.
    private bool IsDoubted(ApiProblem problem) =>
        problem.Kind switch
        {
            ApiProblemKind.Forbidden => _wasGranted || !_connection.IsSettled,
            ApiProblemKind.NotFound => _wasGranted && !_connection.IsSettled,
            _ => false,
        };

    private async Task DelayAsync(TimeSpan wait, CancellationToken stop)
    {
        try
        {
            await Task.Delay(wait, _time, stop);
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            // The loop sees it.
        }
    }

    private async Task TurnAsync(CancellationToken stop)
    {
        try
        {
            if (!_hasList)
            {
                await ListAnyVersionAsync(stop);
                _hasList = true;
            }

            await WatchAsync(stop);
        }
        catch (ApiException problem) when (problem.Problem.Kind == ApiProblemKind.Expired)
        {
            // A list that is refused for its version is next asked for the newest there is.
            _version = _hasList ? _version : null;
            _hasList = false;
            throw;
        }
        catch (ApiException problem) when (problem.Problem.Kind == ApiProblemKind.NotFound)
        {
            _hasList = false;
            throw;
        }
    }

    // The kind may be there in another of its versions.
    private async Task ListAnyVersionAsync(CancellationToken stop)
    {
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                await ListAsync(stop);
                return;
            }
            catch (ApiException problem) when (problem.Problem.Kind == ApiProblemKind.NotFound)
            {
                _path = (_path + 1) % _target.Paths.Length;
                if (attempt == _target.Paths.Length)
                {
                    if (!IsDoubted(problem.Problem))
                    {
                        _store.Clear();
                    }

                    throw;
                }
            }
        }
    }

    private async Task ListAsync(CancellationToken stop)
    {
        var version = _version is null ? "" : $"&resourceVersion={Uri.EscapeDataString(_version)}";
        using var response = await _connection.GetAsync(
            $"{Path}?{_target.Selector}{version}",
            stop
        );
        var body = await _connection.ReadAllAsync(response, LargestList, stop);
        var (listed, items) = ApiMessage.ReadList(body.Span);
        var known = new Dictionary<string, T>(items.Length);
        string? passedOver = null;
        foreach (var item in items)
        {
            var json = body.Span[item];
            if (ApiMessage.ReadMetadata(json) is { Uid: not null, Name: not null } metadata)
            {
                known[metadata.Uid] = _kind.Understand(metadata, json);
            }
            else
            {
                passedOver = "an object without a uid and a name was passed over";
            }
        }

        _version = listed;
        _store.Replace(known, passedOver);
        KubernetesLog.Listed(_logger(), _target.What, known.Count);
    }

    private async Task WatchAsync(CancellationToken stop)
    {
        var opened = _time.GetTimestamp();
        var limit = (int)(ShortestWatch * (1 + _random())).TotalSeconds;
        using var response = await _connection.GetAsync(
            $"{Path}?{_target.Selector}&watch=true&allowWatchBookmarks=true&timeoutSeconds={limit}"
                + $"&resourceVersion={Uri.EscapeDataString(_version ?? AnyVersion)}",
            stop
        );
        if (_store.Health.Problem is not null)
        {
            KubernetesLog.Recovered(_logger(), _target.What);
        }

        _wasGranted = true;
        _store.Opened();
        await using var stream = await response.Content.ReadAsStreamAsync(stop);
        var lines = new LineReader(stream, ObjectKind<T>.Largest);
        using var silence = new Silence(SilenceLimit, _time, stop);
        try
        {
            while (await silence.WatchAsync(lines.ReadAsync) is { } line)
            {
                Take(line);
                _hasProgressed = true;
            }
        }
        finally
        {
            _hasProgressed |= _time.GetElapsedTime(opened) >= Working;
        }
    }

    private void Take(ApiLine line)
    {
        if (line.IsTooLong)
        {
            PassOver(
                $"an object of {line.Length / 1024} KiB was passed over: expected at most {ObjectKind<T>.Largest / 1024} KiB"
            );
            return;
        }

        if (line.Length == 0)
        {
            return;
        }

        string type;
        ReadOnlySpan<byte> json;
        try
        {
            (type, var range) = ApiMessage.ReadEvent(line.Bytes.Span);
            json = line.Bytes.Span[range];
        }
        catch (JsonException problem)
        {
            PassOver($"a line of the watch was passed over: {problem.Message}");
            return;
        }

        if (type == "ERROR")
        {
            var status = ApiMessage.ReadStatus(json);
            throw new ApiException(
                ApiProblem.Of((System.Net.HttpStatusCode)(status.Code ?? 500), status)
            );
        }

        var metadata = ApiMessage.ReadMetadata(json);
        _version = metadata?.ResourceVersion ?? _version;
        if (type == "BOOKMARK")
        {
            return;
        }

        if (metadata is not { Uid: not null, Name: not null })
        {
            PassOver("an object without a uid and a name was passed over");
        }
        else if (type == "DELETED")
        {
            _store.Remove(metadata.Uid);
        }
        else
        {
            _store.Put(metadata.Uid, _kind.Understand(metadata, json));
        }
    }

    private void PassOver(string message)
    {
        KubernetesLog.PassedOver(_logger(), _target.What, message);
        _store.PassedOver(message);
    }
}
