using System.Net;
using System.Net.Sockets;
using System.Runtime.CompilerServices;
using System.Text.Json;
using PinAgent.Model.Text;
using PinAgent.Report.Endpoint;
using PinAgent.Report.Status;

namespace PinAgent.Cli.Ask;

/// <summary>Asks the running agent over its Unix socket.</summary>
internal sealed class StatusClient(string socket) : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    private readonly HttpClient _http = new(
        new SocketsHttpHandler
        {
            UseProxy = false,
            ConnectCallback = async (_, stop) => await ConnectAsync(socket, stop),
        }
    )
    {
        BaseAddress = new Uri("http://localhost"),
        Timeout = Patience,
    };

    /// <summary>The current status.</summary>
    /// <exception cref="AgentException">There's none to be had; the message says why.</exception>
    public async Task<NodeStatus> GetAsync(CancellationToken stop)
    {
        using var response = await AskAsync("/api/v1/status", stop);
        return Read(await response.Content.ReadAsStringAsync(stop));
    }

    /// <summary>The current status, and a new one at every change, until the agent ends.</summary>
    /// <exception cref="AgentException">There's none to be had, or the agent has ended.</exception>
    public async IAsyncEnumerable<NodeStatus> WatchAsync(
        [EnumeratorCancellation] CancellationToken stop
    )
    {
        const string Data = "data: ";
        using var response = await AskAsync(StatusRoutes.Events, stop);
        using var reader = new StreamReader(await response.Content.ReadAsStreamAsync(stop));
        while (await ReadLineAsync(reader, stop) is { } line)
        {
            if (line.StartsWith(Data, StringComparison.Ordinal))
            {
                yield return Read(line[Data.Length..]);
            }
        }

        throw new AgentException("the agent has ended");
    }

    /// <summary>Whether a path is answered with yes.</summary>
    /// <exception cref="AgentException">It isn't; the message says why.</exception>
    public async Task CheckAsync(string path, CancellationToken stop)
    {
        using var response = await AskAsync(path, stop);
    }

    public void Dispose() => _http.Dispose();

    private static async ValueTask<Stream> ConnectAsync(string path, CancellationToken stop)
    {
        var client = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            await client.ConnectAsync(new UnixDomainSocketEndPoint(path), stop);
            return new NetworkStream(client, ownsSocket: true);
        }
        catch
        {
            client.Dispose();
            throw;
        }
    }

    private async Task<HttpResponseMessage> AskAsync(string path, CancellationToken stop)
    {
        try
        {
            var response = await _http.GetAsync(
                path,
                HttpCompletionOption.ResponseHeadersRead,
                stop
            );
            if (response.StatusCode == HttpStatusCode.OK)
            {
                return response;
            }

            using (response)
            {
                throw new AgentException(
                    Refusal(await response.Content.ReadAsStringAsync(stop), response.StatusCode)
                );
            }
        }
        catch (HttpRequestException problem)
        {
            throw new AgentException(Unreachable(problem))
            {
                IsDenied =
                    problem.InnerException
                        is SocketException { SocketErrorCode: SocketError.AccessDenied },
            };
        }
        catch (TaskCanceledException) when (!stop.IsCancellationRequested)
        {
            throw new AgentException(
                $"{socket}: the agent hasn't answered for {Patience.TotalSeconds} s: see its log"
            );
        }
    }

    private string Unreachable(HttpRequestException problem) =>
        (problem.InnerException as SocketException)?.SocketErrorCode switch
        {
            SocketError.AccessDenied =>
                $"{socket}: permission denied: ask as root, or as a member of the socket's group",
            SocketError.ConnectionRefused or SocketError.AddressNotAvailable =>
                $"{socket}: no agent runs here: start one with pinagent run, or say with --socket where it is",
            _ => $"{socket}: {FileProblem.Describe(problem.InnerException ?? problem)}",
        };

    private static string Refusal(string body, HttpStatusCode status)
    {
        try
        {
            return JsonSerializer.Deserialize(body, ReportJsonContext.Compact.Problem)!.Detail;
        }
        catch (JsonException)
        {
            return $"expected an answer of the agent's, found HTTP status {(int)status}";
        }
    }

    private static NodeStatus Read(string json)
    {
        try
        {
            return JsonSerializer.Deserialize(json, ReportJsonContext.Compact.NodeStatus)!;
        }
        catch (JsonException problem)
        {
            throw new AgentException(
                $"the agent's answer can't be understood, is it of another version? {problem.Message}"
            );
        }
    }

    // An agent that is killed ends the stream within a line.
    private static async Task<string?> ReadLineAsync(StreamReader reader, CancellationToken stop)
    {
        try
        {
            return await reader.ReadLineAsync(stop);
        }
        catch (Exception problem) when (problem is IOException or HttpRequestException)
        {
            return null;
        }
    }
}

/// <summary>The running agent doesn't tell; the message says why and what to do.</summary>
internal sealed class AgentException(string message) : Exception(message)
{
    /// <summary>Whether this user mustn't ask: one may run all the same.</summary>
    public bool IsDenied { get; init; }
}
