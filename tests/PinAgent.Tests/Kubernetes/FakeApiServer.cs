using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Threading.Channels;
using Xunit;

namespace PinAgent.Tests.Kubernetes;

/// <summary>
/// An API server whose every answer the test gives itself, byte by byte: for faults that a real one doesn't have on
/// demand. HTTP/1.1 on loopback.
/// </summary>
internal sealed class FakeApiServer : IAsyncDisposable
{
    private readonly Channel<FakeRequest> _requests = Channel.CreateUnbounded<FakeRequest>();
    private readonly CancellationTokenSource _stop = new();
    private readonly List<Socket> _connections = [];
    private readonly List<string> _seen = [];
    private readonly int _port;
    private string _accepts = "yes";
    private TcpListener? _listener;

    public FakeApiServer()
    {
        _listener = Listen(0);
        _port = ((IPEndPoint)_listener.LocalEndpoint).Port;
    }

    public string Address => $"http://127.0.0.1:{_port}";

    /// <summary>The next request, from whichever connection.</summary>
    public async Task<FakeRequest> NextAsync()
    {
        var next = _requests.Reader.ReadAsync(TestContext.Current.CancellationToken).AsTask();
        try
        {
            var request = await next.WaitAsync(Patience.HungWait);
            _seen.Add($"{request.Method} {request.Target}");
            return request;
        }
        catch (TimeoutException hung)
        {
            throw new InvalidOperationException(
                $"no request came; before, there were:\n{string.Join('\n', _seen)}\nopen connections: {_connections.Count}, "
                    + $"accepting: {_accepts}",
                hung
            );
        }
    }

    /// <summary>The next request, which must be for this path and have this in its query.</summary>
    public async Task<FakeRequest> NextAsync(string path, string query = "")
    {
        var request = await NextAsync();
        Assert.StartsWith(path + "?", request.Target + "?", StringComparison.Ordinal);
        Assert.Contains(query, request.Target, StringComparison.Ordinal);
        return request;
    }

    /// <summary>Whether a request has come that nobody asked for.</summary>
    public bool HasMore => _requests.Reader.Count > 0;

    /// <summary>Goes away: connections are reset, new ones refused.</summary>
    public void GoAway()
    {
        _listener?.Stop();
        _listener = null;
        lock (_connections)
        {
            _connections.ForEach(connection => connection.Close(0));
            _connections.Clear();
        }
    }

    /// <summary>Comes back at the same address.</summary>
    public void ComeBack() => _listener = Listen(_port);

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        GoAway();
        _stop.Dispose();
    }

    private TcpListener Listen(int port)
    {
        var listener = new TcpListener(IPAddress.Loopback, port);
        listener.Server.SetSocketOption(
            SocketOptionLevel.Socket,
            SocketOptionName.ReuseAddress,
            true
        );
        listener.Start();
        _ = AcceptAsync(listener);
        return listener;
    }

    private async Task AcceptAsync(TcpListener listener)
    {
        try
        {
            while (true)
            {
                var socket = await listener.AcceptSocketAsync(_stop.Token);
                lock (_connections)
                {
                    _connections.Add(socket);
                }

                _ = ServeAsync(socket);
            }
        }
        catch (Exception problem)
            when (problem
                    is SocketException
                        or ObjectDisposedException
                        or OperationCanceledException
            )
        {
            // Away.
            _accepts = $"no: {problem.Message}";
        }
    }

    private async Task ServeAsync(Socket socket)
    {
        try
        {
            await using var stream = new NetworkStream(socket, ownsSocket: true);
            using var reader = new StreamReader(stream, Encoding.ASCII);
            while (await reader.ReadLineAsync(_stop.Token) is { } first)
            {
                var headers = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase);
                while (await reader.ReadLineAsync(_stop.Token) is { Length: > 0 } header)
                {
                    var colon = header.IndexOf(':');
                    headers[header[..colon]] = header[(colon + 1)..].Trim();
                }

                var body = new char[
                    headers.TryGetValue("Content-Length", out var length)
                        ? int.Parse(length, CultureInfo.InvariantCulture)
                        : 0
                ];
                // Asked for nothing, a reader waits for something.
                if (body.Length > 0)
                {
                    await reader.ReadBlockAsync(body, _stop.Token);
                }

                var request = new FakeRequest(stream, first.Split(' ')[1], headers)
                {
                    Method = first.Split(' ')[0],
                    Body = new string(body),
                };
                await _requests.Writer.WriteAsync(request, _stop.Token);
                await request.Answered;
            }
        }
        catch (Exception problem)
            when (problem is IOException or ObjectDisposedException or OperationCanceledException)
        {
            // The client has left, or the server has gone away.
        }
    }
}

/// <summary>A request that waits for the test's answer.</summary>
internal sealed class FakeRequest(
    NetworkStream stream,
    string target,
    IReadOnlyDictionary<string, string> headers
)
{
    private readonly TaskCompletionSource _answered = new(
        TaskCreationOptions.RunContinuationsAsynchronously
    );

    public string Target => target;

    public required string Method { get; init; }

    public required string Body { get; init; }

    public IReadOnlyDictionary<string, string> Headers => headers;

    public Task Answered => _answered.Task;

    /// <summary>Answers with a whole body.</summary>
    public async Task RespondAsync(int code, string body, params string[] extraHeaders)
    {
        var bytes = Encoding.UTF8.GetBytes(body);
        await WriteAsync(
            $"HTTP/1.1 {code} X\r\nContent-Type: application/json\r\nContent-Length: {bytes.Length}\r\n"
                + string.Concat(extraHeaders.Select(header => header + "\r\n"))
                + "\r\n"
        );
        await stream.WriteAsync(bytes);
        _answered.TrySetResult();
    }

    /// <summary>Answers with a list.</summary>
    public Task ListAsync(int version, params string[] items) =>
        RespondAsync(
            200,
            $$$"""{"kind":"List","metadata":{"resourceVersion":"{{{version}}}"},"items":[{{{string.Join(',', items)}}}]}"""
        );

    /// <summary>Refuses, with a status as the API server writes it.</summary>
    public Task RefuseAsync(int code, string reason, params string[] extraHeaders) =>
        RespondAsync(code, Status(code, reason), extraHeaders);

    /// <summary>Begins a watch.</summary>
    public Task BeginWatchAsync() =>
        WriteAsync(
            "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
        );

    /// <summary>Sends an event of the watch.</summary>
    public Task SendAsync(string type, string item) =>
        SendRawAsync($$"""{"type":"{{type}}","object":{{item}}}""" + "\n");

    /// <summary>Sends a bookmark.</summary>
    public Task BookmarkAsync(int version) =>
        SendAsync("BOOKMARK", $$$"""{"metadata":{"resourceVersion":"{{{version}}}"}}""");

    /// <summary>Sends bytes of the watch, whole lines or not.</summary>
    public Task SendRawAsync(string text) =>
        WriteAsync(
            $"{Encoding.UTF8.GetByteCount(text).ToString("x", CultureInfo.InvariantCulture)}\r\n{text}\r\n"
        );

    /// <summary>Ends the watch as a server does whose time is over.</summary>
    public async Task EndAsync()
    {
        await WriteAsync("0\r\n\r\n");
        _answered.TrySetResult();
    }

    /// <summary>Cuts the connection.</summary>
    public void Cut()
    {
        stream.Socket.Close(0);
        _answered.TrySetResult();
    }

    public static string Status(int code, string reason) =>
        $$"""{"kind":"Status","status":"Failure","reason":"{{reason}}","message":"told by the test","code":{{code}}}""";

    private async Task WriteAsync(string text) =>
        await stream.WriteAsync(
            Encoding.UTF8.GetBytes(text),
            TestContext.Current.CancellationToken
        );
}
