using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.Time.Testing;
using PinAgent.Report.Endpoint;
using PinAgent.Report.Status;
using Xunit;
using static PinAgent.Tests.Report.Endpoint.ServedStatus;

namespace PinAgent.Tests.Report.Endpoint;

/// <summary>What clients can make the agent do in a moment. The clock stands still, so nobody who has to wait is answered.</summary>
public sealed class CostOfClientsTests
{
    private const int Timeout = Patience.Hang;

    private readonly FakeTimeProvider _time = new();

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Fact(Timeout = Timeout)]
    public async Task Who_asks_for_a_large_page_and_does_not_read_it_has_cost_all_of_it()
    {
        await using var served = await StartAsync(_time);
        served.Store.Put(Node(1, Guests(count: 1, threads: 3000)));
        var clients = new List<TcpClient>();
        try
        {
            while (served.PaceOverTcp.Take(0) == TimeSpan.Zero)
            {
                clients.Add(await AskAsync(served.Address));
            }

            // By the number of answers it would be forty.
            Assert.InRange(clients.Count, 1, 20);
            Assert.Equal("ok\n", await served.Unix.GetStringAsync("/readyz", Stop));

            var reader = served.Tcp.GetStringAsync("/readyz", Stop);
            Assert.Equal("ok\n", await served.Unix.GetStringAsync("/readyz", Stop));
            Assert.False(reader.IsCompleted);
            while (!reader.IsCompleted)
            {
                _time.Advance(TimeSpan.FromSeconds(0.1));
                await Task.Yield();
            }

            Assert.Equal("ok\n", await reader);
        }
        finally
        {
            clients.ForEach(client => client.Dispose());
        }
    }

    [Fact(Timeout = Timeout)]
    public async Task A_browser_with_the_page_of_eighty_vms_is_answered_at_once_and_so_are_changes()
    {
        await using var served = await StartAsync(_time);
        served.Store.Put(Node(1, Guests(count: 80, threads: 10)));
        foreach (var path in (string[])["/", "/page.css", "/page.js", "/page.svg"])
        {
            Assert.NotEmpty(await served.Tcp.GetStringAsync(path, Stop));
        }

        using var events = await FollowAsync(served.Tcp);
        for (var change = 2; change <= 5; change++)
        {
            Assert.StartsWith("data: ", await events.ReadLineAsync(Stop));
            Assert.Equal("", await events.ReadLineAsync(Stop));
            Assert.NotEmpty(await served.Tcp.GetStringAsync("/", Stop));
            served.Store.Put(Node(change, Guests(count: 80, threads: 10)));
        }
    }

    [Fact(Timeout = Timeout)]
    public async Task The_kernel_holds_little_for_a_client_that_does_not_read()
    {
        using var listener = Listener.Tcp(new IPEndPoint(IPAddress.Loopback, 0), "").Socket!;
        listener.Listen();
        using var client = new TcpClient();
        await client.ConnectAsync((IPEndPoint)listener.LocalEndPoint!, Stop);

        using var accepted = await listener.AcceptAsync(Stop);

        // The kernel doubles it, for what it keeps of its own.
        Assert.InRange(accepted.SendBufferSize, 1, 128 * 1024);
    }

    [Fact]
    public void Waits_that_take_long_to_read_are_read_less_often()
    {
        var reads = 0;
        var delays = new RunDelays(ReadSlowly, _time);
        var store = new StatusStore(_time);
        store.Put(Node(1, Guests(count: 1, threads: 100)));

        delays.Add(store.Current!);
        Assert.Equal(100, reads);

        // 100 ms were a fiftieth of five seconds.
        _time.Advance(TimeSpan.FromSeconds(4.8));
        delays.Add(store.Current!);
        Assert.Equal(100, reads);
        _time.Advance(TimeSpan.FromSeconds(0.2));
        delays.Add(store.Current!);
        Assert.Equal(200, reads);

        ulong? ReadSlowly(int tid)
        {
            reads++;
            _time.Advance(TimeSpan.FromMilliseconds(1));
            return (ulong)tid;
        }
    }

    [Fact]
    public void Who_wants_metrics_has_no_JSON_written()
    {
        var delays = new RunDelays(_ => 1, _time);
        var store = new StatusStore(_time);
        store.Put(Node(1, Guests(count: 50, threads: 10)));

        Assert.NotEmpty(delays.Add(store.Current!).Vms);
        var before = GC.GetAllocatedBytesForCurrentThread();
        var json = delays.Json(store.Current!);

        // It's written now, and not again.
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, json.Length, long.MaxValue);
        before = GC.GetAllocatedBytesForCurrentThread();
        Assert.True(json.Equals(delays.Json(store.Current!)));
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, json.Length / 10);
    }

    // Asks for the page, and waits for the first of the answer.
    private static async Task<TcpClient> AskAsync(IPEndPoint address)
    {
        var client = new TcpClient { ReceiveBufferSize = 4096 };
        await client.ConnectAsync(address, Stop);
        await client.Client.SendAsync(
            "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"u8.ToArray(),
            Stop
        );
        while (!client.Client.Poll(0, SelectMode.SelectRead))
        {
            Stop.ThrowIfCancellationRequested();
            await Task.Yield();
        }

        return client;
    }

    private static VmStatus[] Guests(int count, int threads) =>
        [
            .. Enumerable
                .Range(1, count)
                .Select(guest =>
                {
                    var vm = Vm($"vm{guest}", 1000 * guest);
                    return vm with
                    {
                        Threads =
                        [
                            .. Enumerable
                                .Range(1, threads)
                                .Select(thread =>
                                    vm.Threads[0] with
                                    {
                                        Tid = (10_000 * guest) + thread,
                                    }
                                ),
                        ],
                    };
                }),
        ];
}
