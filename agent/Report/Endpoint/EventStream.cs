using Microsoft.AspNetCore.Http;
using PinAgent.Report.Status;

namespace PinAgent.Report.Endpoint;

/// <summary>
/// Server-sent events: the whole status at once, and again at every change. A client that reads slowly misses what
/// came between, and gets the newest.
/// </summary>
/// <param name="places">How many clients there may be at a time.</param>
/// <param name="bodies">What the listener's clients receive.</param>
/// <remarks>Source: the HTML standard, section 9.2.</remarks>
internal sealed class EventStream(
    StatusStore store,
    TimeProvider time,
    int places,
    BodiesInFlight bodies
)
{
    private static readonly TimeSpan Heartbeat = TimeSpan.FromSeconds(15);

    // Between two tries to send, where other clients have too much on its way to them.
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(1);

    private int _free = places;

    /// <summary>What the listener's clients receive.</summary>
    public BodiesInFlight Bodies => bodies;

    /// <summary>Sends events until the client goes or the agent stops; false at once if no place is free.</summary>
    /// <param name="pace">How fast; null for as fast as the client reads.</param>
    public async Task<bool> TrySendAsync(
        HttpResponse response,
        ClientPace? pace,
        CancellationToken stop
    )
    {
        if (Interlocked.Decrement(ref _free) < 0)
        {
            Interlocked.Increment(ref _free);
            return false;
        }

        try
        {
            response.ContentType = "text/event-stream";
            await SendAsync(response, pace, stop);
        }
        finally
        {
            Interlocked.Increment(ref _free);
        }

        return true;
    }

    private async Task SendAsync(HttpResponse response, ClientPace? pace, CancellationToken stop)
    {
        if (HttpMethods.IsHead(response.HttpContext.Request.Method))
        {
            return;
        }

        await response.Body.FlushAsync(stop);
        string? seen = null;
        while (true)
        {
            // Before the next is asked for, so that it's the newest there is by then.
            await (pace?.WaitAsync(0, stop) ?? ValueTask.CompletedTask);
            seen =
                await SendNextAsync(response.Body, seen, pace, stop) ?? await WaitAsync(seen, stop);
        }
    }

    // The tag of what was sent; null if too much is on its way to others. Nothing of the status outlives the call.
    private async Task<string?> SendNextAsync(
        Stream client,
        string? seen,
        ClientPace? pace,
        CancellationToken stop
    )
    {
        var (json, tag) = await NextAsync(client, seen, stop);
        using var sending = bodies.TryBegin(json);
        if (sending is null)
        {
            return null;
        }

        pace?.Rendered(json.Length);
        await client.WriteAsync("data: "u8.ToArray(), stop);
        await HttpApplication.WriteAsync(client, json, stop);
        await client.WriteAsync("\n\n"u8.ToArray(), stop);
        return tag;
    }

    private async Task<(ReadOnlyMemory<byte> Json, string Tag)> NextAsync(
        Stream client,
        string? seen,
        CancellationToken stop
    )
    {
        var next = store.NextAsync(seen, stop);
        while (!await EndsInTimeAsync(next))
        {
            // A comment keeps the connection open on its way, and shows whether the client is still there.
            await client.WriteAsync(":\n\n"u8.ToArray(), stop);
        }

        var status = await next;
        return (status.Json, status.Tag);
    }

    private async Task<string?> WaitAsync(string? seen, CancellationToken stop)
    {
        await Task.Delay(Pause, time, stop);
        return seen;
    }

    private async Task<bool> EndsInTimeAsync(Task next)
    {
        await next.WaitAsync(Heartbeat, time)
            .ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        return next.IsCompleted;
    }
}
