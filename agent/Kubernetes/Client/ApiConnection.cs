using System.Buffers;
using System.Net;
using System.Security.Cryptography;
using k8s;
using PinAgent.Kubernetes.Watch;
using PinAgent.Model.Text;

namespace PinAgent.Kubernetes.Client;

/// <summary>The way to the API server, through a change of credentials as well.</summary>
internal sealed class ApiConnection : IDisposable
{
    /// <summary>How long the server may take to begin its answer, or to go on with it.</summary>
    public static readonly TimeSpan AnswerLimit = TimeSpan.FromSeconds(30);

    /// <summary>
    /// How long after its start, or after the server was lost, a refusal isn't believed: a server that starts answers 403
    /// until it has read who has which rights, and 404 until it has read which kinds there are.
    /// </summary>
    public static readonly TimeSpan SettlingTime = TimeSpan.FromMinutes(5);

    private const int LongestStatus = 64 * 1024;

    private readonly Func<KubernetesClientConfiguration> _load;
    private readonly TimeProvider _time;
    private readonly Lock _lock = new();
    private ApiClient _client;
    private long _lost;

    /// <summary>Creates the connection; nothing is sent yet.</summary>
    /// <param name="load">Reads the configuration, now and again when the server refuses the credentials.</param>
    /// <exception cref="InvalidDataException">The configuration can't be read.</exception>
    public ApiConnection(Func<KubernetesClientConfiguration> load, TimeProvider time)
    {
        (_load, _time) = (load, time);
        _lost = time.GetTimestamp();
        _client = Connect();
    }

    /// <summary>The server's address.</summary>
    public Uri Server => _client.Server;

    /// <summary>Whether what the server refuses is likely to stay refused.</summary>
    public bool IsSettled => _time.GetElapsedTime(Volatile.Read(ref _lost)) >= SettlingTime;

    /// <summary>The server was lost, or is in trouble: what it refuses next may only be its start.</summary>
    public void NoteLost() => Volatile.Write(ref _lost, _time.GetTimestamp());

    /// <summary>Asks, and returns the answer when it begins.</summary>
    /// <exception cref="ApiException">The answer isn't 200, or there are no credentials.</exception>
    public Task<HttpResponseMessage> GetAsync(string path, CancellationToken stop) =>
        SendAsync(HttpMethod.Get, path, null, stop);

    /// <summary>Writes.</summary>
    /// <exception cref="ApiException">The answer isn't 200 or 201, or there are no credentials.</exception>
    public Task<HttpResponseMessage> SendAsync(
        HttpMethod method,
        string path,
        byte[] json,
        string mediaType,
        CancellationToken stop
    ) =>
        SendAsync(
            method,
            path,
            new ByteArrayContent(json) { Headers = { ContentType = new(mediaType) } },
            stop
        );

    /// <summary>Applies an object on the server's side, without force.</summary>
    /// <exception cref="ApiException">The answer isn't 200, or there are no credentials.</exception>
    public Task<HttpResponseMessage> ApplyAsync(string path, byte[] json, CancellationToken stop) =>
        // JSON is YAML; apply's own type of JSON came with Kubernetes 1.32.
        SendAsync(HttpMethod.Patch, path, json, "application/apply-patch+yaml", stop);

    private async Task<HttpResponseMessage> SendAsync(
        HttpMethod method,
        string path,
        HttpContent? content,
        CancellationToken stop
    )
    {
        var client = _client;
        using var limit = new CancellationTokenSource(AnswerLimit, _time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(stop, limit.Token);
        try
        {
            var response = await client.SendAsync(method, path, content, either.Token);
            if (response.StatusCode is HttpStatusCode.OK or HttpStatusCode.Created)
            {
                return response;
            }

            using (response)
            {
                throw new ApiException(await ReadProblemAsync(response, either.Token));
            }
        }
        catch (OperationCanceledException problem) when (!stop.IsCancellationRequested)
        {
            throw new ApiException(
                new(ApiProblemKind.Trouble, $"no answer within {AnswerLimit.TotalSeconds:0} s"),
                problem
            );
        }
        catch (Exception problem)
            when (ApiProblem.Of(problem) is { Kind: ApiProblemKind.Unauthorized })
        {
            Renew(client);
            throw;
        }
    }

    /// <summary>Reads the whole of an answer.</summary>
    /// <param name="largest">How many bytes it may have.</param>
    /// <exception cref="ApiException">It's larger, or stops coming.</exception>
    public async Task<ReadOnlyMemory<byte>> ReadAllAsync(
        HttpResponseMessage response,
        int largest,
        CancellationToken stop
    )
    {
        const int Chunk = 32 * 1024;
        var body = new ArrayBufferWriter<byte>(Chunk);
        await using var stream = await response.Content.ReadAsStreamAsync(stop);
        using var silence = new Silence(AnswerLimit, _time, stop);
        for (var read = -1; read != 0; )
        {
            read = await silence.WatchAsync(token =>
                stream.ReadAsync(body.GetMemory(Chunk), token)
            );
            body.Advance(read);
            if (body.WrittenCount > largest)
            {
                throw new ApiException(
                    new(
                        ApiProblemKind.Trouble,
                        $"the answer has more than {largest / 1024 / 1024} MiB"
                    )
                );
            }
        }

        return body.WrittenMemory;
    }

    /// <inheritdoc/>
    public void Dispose() => _client.Dispose();

    // Tokens, certificates and the server's own authority change while the agent runs. Of several requests that were
    // refused the first reads the configuration again. What the old client still has open goes on.
    private void Renew(ApiClient refused)
    {
        lock (_lock)
        {
            if (ReferenceEquals(_client, refused))
            {
                try
                {
                    _client = Connect();
                }
                catch (InvalidDataException)
                {
                    // Half-written, perhaps. The server's refusal is what is reported, and the next one comes back here.
                }
            }
        }
    }

    private ApiClient Connect()
    {
        var config = _load();
        try
        {
            return new ApiClient(config);
        }
        catch (Exception problem)
            when (problem
                    is UriFormatException
                        or FormatException
                        or CryptographicException
                        or IOException
                        or UnauthorizedAccessException
            )
        {
            throw new InvalidDataException(
                $"kubeconfig for {config.Host}: expected an address and a client certificate: {FileProblem.DescribeWithPath(problem)}",
                problem
            );
        }
    }

    private async Task<ApiProblem> ReadProblemAsync(
        HttpResponseMessage response,
        CancellationToken stop
    )
    {
        var body = new byte[LongestStatus];
        await using var stream = await response.Content.ReadAsStreamAsync(stop);
        var length = await stream.ReadAtLeastAsync(
            body,
            body.Length,
            throwOnEndOfStream: false,
            stop
        );
        var retryAfter = response.Headers.RetryAfter;
        return ApiProblem.Of(
            response.StatusCode,
            ApiMessage.ReadStatus(body.AsSpan(0, length)),
            retryAfter?.Delta ?? (retryAfter?.Date - _time.GetUtcNow())
        );
    }
}
