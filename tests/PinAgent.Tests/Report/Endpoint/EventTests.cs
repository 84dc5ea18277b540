using System.Net;
using System.Text.Json.Nodes;
using Microsoft.Extensions.Time.Testing;
using PinAgent.Report.Endpoint;
using Xunit;
using static PinAgent.Tests.Report.Endpoint.ServedStatus;

namespace PinAgent.Tests.Report.Endpoint;

/// <summary>Clients that follow the changes.</summary>
public sealed class EventTests
{
    private const int Timeout = Patience.Hang;

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Fact(Timeout = Timeout)]
    public async Task A_follower_gets_the_status_at_once_and_then_every_change()
    {
        await using var served = await StartAsync();
        served.Store.Put(Node(1));
        using var events = await FollowAsync(served.Tcp);

        Assert.Equal(1, await RepairsAsync(events));
        served.Store.Put(Node(2));
        Assert.Equal(2, await RepairsAsync(events));

        // Says the same: no event, so the next one that comes is the next change's.
        served.Store.Put(Node(2));
        served.Store.Put(Node(3));
        Assert.Equal(3, await RepairsAsync(events));
    }

    [Fact(Timeout = Timeout)]
    public async Task A_follower_who_comes_before_the_first_pass_waits_for_it()
    {
        await using var served = await StartAsync();
        using var events = await FollowAsync(served.Unix);

        served.Store.Put(Node(7));

        Assert.Equal(7, await RepairsAsync(events));
    }

    [Fact(Timeout = Timeout)]
    public async Task A_follower_who_reads_slowly_misses_what_came_between_and_gets_the_newest()
    {
        const int Changes = 60;
        await using var served = await StartAsync();
        var large = new string('x', 1024 * 1024);
        served.Store.Put(Node() with { ModeMessage = large });
        using var events = await FollowAsync(served.Unix);

        // Far more than every buffer on the way holds, and no pass waits for it.
        for (var i = 1; i <= Changes; i++)
        {
            served.Store.Put(Node(i) with { ModeMessage = large });
        }

        var received = 1;
        while (await RepairsAsync(events) != Changes)
        {
            received++;
        }

        Assert.InRange(received, 1, 5);
    }

    [Fact(Timeout = Timeout)]
    public async Task A_comment_keeps_a_quiet_connection_open()
    {
        var clock = new FakeTimeProvider();
        await using var served = await StartAsync(clock);
        served.Store.Put(Node());
        using var events = await FollowAsync(served.Tcp);
        await RepairsAsync(events);
        Assert.Equal("", await events.ReadLineAsync(Stop));

        var line = events.ReadLineAsync(Stop).AsTask();
        while (!line.IsCompleted)
        {
            clock.Advance(TimeSpan.FromSeconds(15));
            await Task.Yield();
        }

        Assert.Equal(":", await line);
    }

    [Fact(Timeout = Timeout)]
    public async Task There_are_so_many_places_over_TCP_and_others_on_the_socket()
    {
        const int Places = 50;
        await using var served = await StartAsync();
        served.Store.Put(Node());
        var followers = new List<StreamReader>();
        for (var i = 0; i < Places; i++)
        {
            followers.Add(await FollowAsync(served.Tcp));
        }

        Assert.Equal(HttpStatusCode.ServiceUnavailable, await TryAsync(served.Tcp));
        using var another = await FollowAsync(served.Unix);
        Assert.Equal(0, await RepairsAsync(another));

        // Whoever goes leaves a place.
        followers[0].Dispose();
        while (await TryAsync(served.Tcp) != HttpStatusCode.OK)
        {
            Stop.ThrowIfCancellationRequested();
        }

        followers.ForEach(follower => follower.Dispose());
    }

    [Fact(Timeout = Timeout)]
    public async Task When_the_agent_stops_its_followers_are_let_go()
    {
        await using var served = await StartAsync();
        served.Store.Put(Node(1));
        using var events = await FollowAsync(served.Unix);
        await RepairsAsync(events);

        await served.StopAsync();

        await Assert.ThrowsAnyAsync<Exception>(async () =>
        {
            while (await events.ReadLineAsync(Stop) is not null) { }

            throw new EndOfStreamException();
        });
        Assert.False(File.Exists(served.SocketPath));
    }

    private static async Task<HttpStatusCode> TryAsync(HttpClient client)
    {
        using var response = await client.GetAsync(
            StatusRoutes.Events,
            HttpCompletionOption.ResponseHeadersRead,
            Stop
        );
        return response.StatusCode;
    }

    // The repairs told by the next event.
    private static async Task<long> RepairsAsync(StreamReader events)
    {
        string? line;
        do
        {
            line = await events.ReadLineAsync(Stop);
        } while (line is "" or ":");

        Assert.StartsWith("data: {", line);
        return (long)JsonNode.Parse(line!["data: ".Length..])!["drift"]!["repairs"]!;
    }
}
