using System.Buffers;
using System.Collections.Concurrent;
using System.Net.WebSockets;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace PinAgent.HostTests.Page;

/// <summary>The DevTools protocol of a Chromium: commands and their answers, and events.</summary>
/// <remarks>Source: <c>chromedevtools.github.io/devtools-protocol</c>.</remarks>
internal sealed class DevTools : IAsyncDisposable
{
    private readonly ClientWebSocket _socket = new();
    private readonly ConcurrentDictionary<int, TaskCompletionSource<JsonNode>> _asked = [];
    private readonly CancellationToken _stop;
    private TaskCompletionSource _next = NewSignal();
    private Task _reading = Task.CompletedTask;
    private int _last;

    private DevTools(CancellationToken stop) => _stop = stop;

    /// <summary>The events so far.</summary>
    public ConcurrentQueue<JsonNode> Events { get; } = [];

    public static async Task<DevTools> ConnectAsync(Uri address, CancellationToken stop)
    {
        var tools = new DevTools(stop);
        await tools._socket.ConnectAsync(address, stop);
        tools._reading = tools.ReadAsync();
        return tools;
    }

    /// <summary>Sends a command and waits for its answer.</summary>
    /// <exception cref="InvalidOperationException">The browser refused; the message is the browser's.</exception>
    public async Task<JsonNode> SendAsync(string method, JsonObject? parameters, string? session)
    {
        var id = Interlocked.Increment(ref _last);
        var answer = new TaskCompletionSource<JsonNode>(
            TaskCreationOptions.RunContinuationsAsynchronously
        );
        _asked[id] = answer;
        var command = new JsonObject
        {
            ["id"] = id,
            ["method"] = method,
            ["params"] = parameters ?? [],
        };
        if (session is not null)
        {
            command["sessionId"] = session;
        }

        await _socket.SendAsync(
            JsonSerializer.SerializeToUtf8Bytes<JsonNode>(command),
            WebSocketMessageType.Text,
            endOfMessage: true,
            _stop
        );
        var message = await answer.Task.WaitAsync(_stop);
        return message["error"] is { } error
            ? throw new InvalidOperationException($"{method}: {error.ToJsonString()}")
            : message["result"]!;
    }

    /// <summary>Waits for an event, which may have come already.</summary>
    public async Task WaitAsync(Func<JsonNode, bool> isIt)
    {
        while (true)
        {
            var next = Volatile.Read(ref _next).Task;
            if (Events.Any(isIt))
            {
                return;
            }

            await next.WaitAsync(_stop);
        }
    }

    public async ValueTask DisposeAsync()
    {
        _socket.Abort();
        await _reading.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _socket.Dispose();
    }

    private async Task ReadAsync()
    {
        var buffer = new ArrayBufferWriter<byte>();
        while (true)
        {
            ValueWebSocketReceiveResult part;
            buffer.ResetWrittenCount();
            do
            {
                part = await _socket.ReceiveAsync(buffer.GetMemory(64 * 1024), _stop);
                buffer.Advance(part.Count);
            } while (!part.EndOfMessage);

            if (part.MessageType == WebSocketMessageType.Close)
            {
                return;
            }

            var message = JsonNode.Parse(buffer.WrittenSpan)!;
            if (message["id"] is { } id && _asked.TryRemove((int)id, out var answer))
            {
                answer.SetResult(message);
            }
            else
            {
                Events.Enqueue(message);
                Interlocked.Exchange(ref _next, NewSignal()).SetResult();
            }
        }
    }

    private static TaskCompletionSource NewSignal() =>
        new(TaskCreationOptions.RunContinuationsAsynchronously);
}
