using Microsoft.AspNetCore.Http;
using PinAgent.Report.Status;

namespace PinAgent.Report.Endpoint;

/// <summary>
/// Server-sent events: the whole status at once, and again at every change. A client that reads slowly misses what
/// came between, and gets the newest.
/// </summary>
/// <param name="store">The current status.</param>
/// <param name="time">The clock.</param>
/// <param name="places">How many clients there may be at a time.</param>
/// <remarks>Source: the HTML standard, section 9.2.</remarks>
internal sealed class EventStream(StatusStore store, TimeProvider time, int places)
{
    private static readonly TimeSpan Heartbeat = TimeSpan.FromSeconds(15);

    private int _free = places;

    /// <summary>Sends events until the client goes or the agent stops; false at once if no place is free.</summary>
    public async Task<bool> TrySendAsync(HttpResponse response, CancellationToken stop)
    {
        if (Interlocked.Decrement(ref _free) < 0)
        {
            Interlocked.Increment(ref _free);
            return false;
        }

        try
        {
            response.ContentType = "text/event-stream";
            await SendAsync(response, stop);
        }
        finally
        {
            Interlocked.Increment(ref _free);
        }

        return true;
    }

    private async Task SendAsync(HttpResponse response, CancellationToken stop)
    {
        if (HttpMethods.IsHead(response.HttpContext.Request.Method))
        {
            return;
        }

        await response.Body.FlushAsync(stop);
        PublishedStatus? seen = null;
        while (true)
        {
            var next = store.NextAsync(seen, stop);
            while (!await EndsInTimeAsync(next))
            {
                // A comment keeps the connection open on its way, and shows whether the client is still there.
                await response.Body.WriteAsync(":\n\n"u8.ToArray(), stop);
            }

            seen = await next;
            await response.Body.WriteAsync("data: "u8.ToArray(), stop);
            await response.Body.WriteAsync(seen.Json, stop);
            await response.Body.WriteAsync("\n\n"u8.ToArray(), stop);
        }
    }

    private async Task<bool> EndsInTimeAsync(Task next)
    {
        await next.WaitAsync(Heartbeat, time)
            .ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        return next.IsCompleted;
    }
}
