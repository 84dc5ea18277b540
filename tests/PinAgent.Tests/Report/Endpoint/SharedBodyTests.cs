using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using System.Text;
using Microsoft.AspNetCore.Http;
using PinAgent.Report.Endpoint;
using PinAgent.Report.Status;
using Xunit;
using static PinAgent.Tests.Report.Endpoint.ServedStatus;

namespace PinAgent.Tests.Report.Endpoint;

/// <summary>What many clients make the agent hold: bodies are shared, and bounded for all of them together.</summary>
public sealed class SharedBodyTests
{
    private const int Timeout = Patience.Hang;

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("/")]
    [InlineData("/api/v1/status")]
    [InlineData("/api/v1/vms/host/vm1")]
    [InlineData("/metrics")]
    public void A_body_is_rendered_once_per_status_and_shared_by_all_who_ask(string path)
    {
        var store = new StatusStore(TimeProvider.System);
        var time = new Microsoft.Extensions.Time.Testing.FakeTimeProvider();
        var delays = new RunDelays(_ => 7, time);
        var routes = new StatusRoutes(
            store,
            delays,
            TimeSpan.FromSeconds(1),
            new MetricsPage(store, delays, vmMetrics: true)
        );
        store.Put(Node(1, Large()));
        var first = BodyAt(routes, path);

        Assert.Same(first, BodyAt(routes, path));

        store.Put(Node(2, Large()));
        Assert.NotSame(first, BodyAt(routes, path));
    }

    [Fact(Timeout = Timeout)]
    public async Task A_hundred_clients_that_do_not_read_hold_no_more_than_one_of_them_may()
    {
        await using var served = await StartAsync();
        var clients = new List<TcpClient>();
        try
        {
            for (var i = 0; i < 100; i++)
            {
                // Another status for each of them: nothing can be shared.
                served.Store.Put(Node(i, Large()));
                var client = new TcpClient { ReceiveBufferSize = 4096 };
                clients.Add(client);
                await client.ConnectAsync(served.Address, Stop);
                await client.Client.SendAsync(
                    Encoding.ASCII.GetBytes(
                        $"GET /api/v1/{(i % 2 == 0 ? "events" : "vms/host/vm1")} HTTP/1.1\r\nHost: localhost\r\n\r\n"
                    ),
                    Stop
                );
                await AwaitAnswerAsync(client);
                Assert.InRange(served.BytesOverTcp, 0, HttpServer.MostInFlight);
            }

            // One of them does hold something, and what they hold isn't the socket's.
            Assert.NotEqual(0, served.BytesOverTcp);
            Assert.Equal(0, served.BytesOverSocket);
            using var page = await served.Unix.GetAsync("/", Stop);
            Assert.Equal(HttpStatusCode.OK, page.StatusCode);
            Assert.Equal("ok\n", await served.Unix.GetStringAsync("/healthz", Stop));
        }
        finally
        {
            clients.ForEach(client => client.Dispose());
        }

        // Who goes holds nothing any more.
        while (served.BytesOverTcp > 0)
        {
            Stop.ThrowIfCancellationRequested();
            await Task.Yield();
        }
    }

    [Fact(Timeout = Timeout)]
    public async Task Where_others_hold_too_much_a_large_answer_is_refused_and_a_small_one_is_not()
    {
        var bodies = new BodiesInFlight(100_000);
        using var held = bodies.TryBegin(new byte[90_000]);

        Assert.Equal(503, (await SentAsync(bodies, new byte[20_000])).StatusCode);
        Assert.Equal(200, (await SentAsync(bodies, new byte[HttpApplication.Piece])).StatusCode);
        Assert.Equal(90_000, bodies.Held);
    }

    [Fact(Timeout = Timeout)]
    public async Task A_body_is_given_to_the_server_in_pieces_which_are_all_it_copies()
    {
        var stream = new Pieces();

        await SentAsync(new BodiesInFlight(0), new byte[1_000_001], stream);

        Assert.Equal(1_000_001, stream.Written);
        Assert.InRange(stream.Largest, 1, HttpApplication.Piece);
    }

    [Fact]
    public void One_body_counts_once_however_many_receive_it()
    {
        var bodies = new BodiesInFlight(100);
        var body = new byte[90];
        var first = bodies.TryBegin(body);
        var second = bodies.TryBegin(body);
        Assert.Equal((90, 1), (bodies.Held, bodies.Count));
        Assert.Null(bodies.TryBegin(new byte[11]));

        first!.Dispose();
        first.Dispose();
        Assert.Equal(90, bodies.Held);
        second!.Dispose();
        Assert.Equal((0, 0), (bodies.Held, bodies.Count));

        // A status larger than all is served, if nobody else is.
        using var large = bodies.TryBegin(new byte[1000]);
        Assert.NotNull(large);
    }

    private static VmStatus Large()
    {
        var vm = Vm("vm1");
        return vm with
        {
            Threads =
            [
                .. Enumerable.Range(1, 3000).Select(tid => vm.Threads[0] with { Tid = tid }),
            ],
        };
    }

    private static byte[] BodyAt(StatusRoutes routes, string path)
    {
        var context = new DefaultHttpContext();
        context.Request.Path = path;
        var answer = routes.For(context.Request);
        Assert.Equal(200, answer.Status);
        Assert.True(MemoryMarshal.TryGetArray(answer.Body, out var segment));
        return segment.Array!;
    }

    private static async Task<HttpResponse> SentAsync(
        BodiesInFlight bodies,
        byte[] body,
        Stream? stream = null
    )
    {
        var context = new DefaultHttpContext();
        context.Request.Method = "GET";
        context.Response.Body = stream ?? new MemoryStream();
        await HttpApplication.SendAsync(
            context.Response,
            new Answer(200, "text/plain", body),
            bodies,
            Stop
        );
        return context.Response;
    }

    // The head of an answer, of any, or the end of the connection.
    private static async Task AwaitAnswerAsync(TcpClient client)
    {
        while (!client.Client.Poll(0, SelectMode.SelectRead))
        {
            Stop.ThrowIfCancellationRequested();
            await Task.Yield();
        }
    }

    private sealed class Pieces : MemoryStream
    {
        public int Largest { get; private set; }

        public long Written { get; private set; }

        public override ValueTask WriteAsync(
            ReadOnlyMemory<byte> buffer,
            CancellationToken cancellationToken = default
        )
        {
            (Largest, Written) = (Math.Max(Largest, buffer.Length), Written + buffer.Length);
            return ValueTask.CompletedTask;
        }
    }
}
