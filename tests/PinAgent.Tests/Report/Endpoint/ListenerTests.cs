using System.Net;
using System.Net.Sockets;
using System.Text;
using Microsoft.Extensions.Time.Testing;
using PinAgent.Cli.Ask;
using PinAgent.Cli.Options;
using PinAgent.Report.Endpoint;
using PinAgent.Report.Status;
using Xunit;
using static PinAgent.Tests.Report.Endpoint.ServedStatus;

namespace PinAgent.Tests.Report.Endpoint;

/// <summary>Where the endpoint listens, and what becomes of it where it can't.</summary>
public sealed class ListenerTests : IDisposable
{
    private const int Timeout = Patience.Hang;
    private readonly string _folder = Directory.CreateTempSubdirectory("pinagent-test-").FullName;

    private string SocketPath => Path.Combine(_folder, "a.sock");

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact(Timeout = Timeout)]
    public async Task The_socket_is_for_its_owner_and_group()
    {
        await using var served = await StartAsync();

        Assert.Equal(
            UnixFileMode.UserRead
                | UnixFileMode.UserWrite
                | UnixFileMode.GroupRead
                | UnixFileMode.GroupWrite,
            File.GetUnixFileMode(served.SocketPath)
        );
    }

    [Fact(Timeout = Timeout)]
    public async Task The_socket_that_a_dead_agent_has_left_is_replaced()
    {
        // A socket that's closed takes its file with it, unless that has another name by then.
        using (var dead = Bind($"{SocketPath}.dying"))
        {
            dead.Listen();
            File.Move($"{SocketPath}.dying", SocketPath);
        }

        using var listener = Listener.Unix(SocketPath).Socket;

        Assert.NotNull(listener);
        listener.Listen();
        using var client = await ConnectAsync(SocketPath, Stop);
    }

    [Fact(Timeout = Timeout)]
    public async Task The_socket_of_a_living_agent_is_not_stolen()
    {
        await using var served = await StartAsync();
        served.Store.Put(Node(1));

        var (socket, problem) = Listener.Unix(served.SocketPath);

        Assert.Null(socket);
        Assert.Contains("the socket of a running one", problem);
        Assert.Contains("\"repairs\":1", await served.Unix.GetStringAsync("/api/v1/status", Stop));
    }

    [Fact]
    public void A_socket_of_one_who_is_too_busy_to_accept_is_not_stolen()
    {
        using var busy = Bind(SocketPath);
        busy.Listen(0);
        using var first = Client();
        first.Connect(new UnixDomainSocketEndPoint(SocketPath));

        Assert.Contains("the socket of a running one", Listener.Unix(SocketPath).Problem);
    }

    [Fact]
    public void A_file_that_is_no_socket_is_not_replaced()
    {
        File.WriteAllText(SocketPath, "letters");

        var (socket, problem) = Listener.Unix(SocketPath);

        Assert.Null(socket);
        Assert.Contains("found a file", problem);
        Assert.Equal("letters", File.ReadAllText(SocketPath));
    }

    [Theory]
    [InlineData("/proc/nowhere/a.sock")]
    [InlineData("/proc/version/a.sock")]
    public void A_folder_that_cannot_be_made_is_a_sentence(string path)
    {
        var (socket, problem) = Listener.Unix(path);

        Assert.Null(socket);
        Assert.StartsWith($"{path}: ", problem);
        Assert.EndsWith("choose another path with --socket", problem);
    }

    [Fact(Timeout = Timeout)]
    public async Task A_port_that_somebody_has_costs_the_page_and_not_the_socket()
    {
        await using var first = await StartAsync();
        var store = new StatusStore(TimeProvider.System);
        using var second = Server(new EndpointSettings(first.Address, SocketPath), store);

        await second.StartAsync(Stop);

        Assert.Null(second.Tcp);
        using (var client = new StatusClient(SocketPath))
        {
            await client.CheckAsync("/healthz", Stop);
        }

        await second.StopAsync(Stop);
    }

    [Fact(Timeout = Timeout)]
    public async Task Without_any_address_the_agent_goes_on()
    {
        var store = new StatusStore(TimeProvider.System);
        using var server = Server(new EndpointSettings(null, "/proc/nowhere/a.sock"), store);

        await server.StartAsync(Stop);

        Assert.Null(server.Tcp);
        await server.StopAsync(Stop);
    }

    [Fact(Timeout = Timeout)]
    public async Task Who_floods_the_port_is_turned_away_at_a_pace_and_cannot_shut_the_socket()
    {
        var time = new FakeTimeProvider();
        await using var served = await StartAsync(time);
        served.Store.Put(Node());
        var flood = new List<TcpClient>();
        try
        {
            // Half a request each, and no more: the slow loris.
            for (var i = 0; i < 300; i++)
            {
                var client = new TcpClient();
                flood.Add(client);
                await client.ConnectAsync(served.Address, Stop);
                await client.Client.SendAsync(Encoding.ASCII.GetBytes("GET / HTTP/1.1\r\n"), Stop);
            }

            // Those of the first moment that there's no place for; the others wait in the kernel's queue.
            Assert.Equal("ok\n", await served.Unix.GetStringAsync("/readyz", Stop));
            Assert.InRange(flood.Count(IsTurnedAway), 0, 40);
            while (flood.Count(IsTurnedAway) < 200)
            {
                Stop.ThrowIfCancellationRequested();
                time.Advance(TimeSpan.FromSeconds(0.1));
                await Task.Yield();
            }
        }
        finally
        {
            flood.ForEach(client => client.Dispose());
        }

        // Closed without a word: one that was let in and took too long is told so.
        static bool IsTurnedAway(TcpClient client) =>
            client.Client.Poll(0, SelectMode.SelectRead) && client.Available == 0;
    }

    [Fact(Timeout = Timeout)]
    public async Task Clients_of_the_socket_are_let_in_as_they_come()
    {
        // A clock that stands still: nothing that has a pace would go on after its first moment.
        await using var served = await StartAsync(new FakeTimeProvider());
        served.Store.Put(Node());
        for (var i = 0; i < 200; i++)
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, "/readyz");
            request.Headers.ConnectionClose = true;
            using var answer = await served.Unix.SendAsync(request, Stop);
            Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        }
    }

    [Theory]
    [InlineData("127.0.0.1:9477", "127.0.0.1:9477")]
    [InlineData("127.0.0.1:0", "127.0.0.1:0")]
    [InlineData("127.1.2.3:80", "127.1.2.3:80")]
    [InlineData("[::1]:9477", "[::1]:9477")]
    [InlineData("off", null)]
    public void A_loopback_address_and_a_port_or_none_at_all(string text, string? expected) =>
        Assert.Equal(expected, EndpointOptions.ReadAddress(text)?.ToString());

    [Theory]
    [InlineData("")]
    [InlineData("on")]
    [InlineData("9477")]
    [InlineData("127.0.0.1")]
    [InlineData("[::1]")]
    [InlineData("0.0.0.0:9477")]
    [InlineData("[::]:9477")]
    [InlineData("10.0.0.1:9477")]
    [InlineData("localhost:9477")]
    [InlineData("127.0.0.1:65536")]
    [InlineData("127.0.0.1:9477 ")]
    public void Any_other_address_is_refused(string text) =>
        Assert.Throws<FormatException>(() => EndpointOptions.ReadAddress(text));

    private static Socket Client() =>
        new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);

    private static Socket Bind(string path)
    {
        var socket = Client();
        socket.Bind(new UnixDomainSocketEndPoint(path));
        return socket;
    }
}
