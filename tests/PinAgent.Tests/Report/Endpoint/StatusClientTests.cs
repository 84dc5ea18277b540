using System.Net.Sockets;
using System.Text;
using System.Text.Json.Nodes;
using PinAgent.Cli.Ask;
using PinAgent.Report.Status;
using Xunit;
using static PinAgent.Tests.Report.Endpoint.ServedStatus;

namespace PinAgent.Tests.Report.Endpoint;

/// <summary>What <c>pinagent status</c> gets from an agent, and says where there's none.</summary>
public sealed class StatusClientTests : IDisposable
{
    private const int Timeout = Patience.Hang;
    private readonly string _folder = Directory.CreateTempSubdirectory("pinagent-test-").FullName;

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact(Timeout = Timeout)]
    public async Task Nothing_of_the_status_is_lost_on_the_way()
    {
        var json = await File.ReadAllTextAsync(Fixtures.PathOf("status/node.json"), Stop);
        var status = System.Text.Json.JsonSerializer.Deserialize(
            json,
            ReportJson.Default.NodeStatus
        )!;
        await using var served = await StartAsync();
        served.Store.Put(status);
        using var client = new StatusClient(served.SocketPath);

        var received = await client.GetAsync(Stop);

        Assert.True(JsonNode.DeepEquals(JsonNode.Parse(json), JsonNode.Parse(received.ToJson())));
    }

    [Fact(Timeout = Timeout)]
    public async Task Who_watches_gets_every_change_until_the_agent_ends()
    {
        await using var served = await StartAsync();
        served.Store.Put(Node(1));
        using var client = new StatusClient(served.SocketPath);
        await using var changes = client.WatchAsync(Stop).GetAsyncEnumerator(Stop);

        Assert.True(await changes.MoveNextAsync());
        Assert.Equal(1, changes.Current.Drift.Repairs);
        served.Store.Put(Node(2));
        Assert.True(await changes.MoveNextAsync());
        Assert.Equal(2, changes.Current.Drift.Repairs);

        await served.StopAsync();
        var problem = await Assert.ThrowsAsync<AgentException>(async () =>
            await changes.MoveNextAsync()
        );
        Assert.Equal("the agent has ended", problem.Message);
    }

    [Fact(Timeout = Timeout)]
    public async Task Without_an_agent_it_says_what_to_do()
    {
        Assert.Contains("no agent runs here: start one", await ProblemAsync($"{_folder}/none"));

        using var socket = new Socket(
            AddressFamily.Unix,
            SocketType.Stream,
            ProtocolType.Unspecified
        );
        socket.Bind(new UnixDomainSocketEndPoint($"{_folder}/dead"));
        Assert.Contains("no agent runs here: start one", await ProblemAsync($"{_folder}/dead"));
    }

    [Fact(Timeout = Timeout)]
    public async Task Before_the_first_pass_it_says_so()
    {
        await using var served = await StartAsync();

        Assert.Contains("hasn't made its first pass yet", await ProblemAsync(served.SocketPath));
    }

    [Theory(Timeout = Timeout)]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n[]", "another version")]
    [InlineData("HTTP/1.1 500 Oops\r\nContent-Length: 4\r\n\r\nOops", "HTTP status 500")]
    [InlineData("SSH-2.0-OpenSSH\r\n", "")]
    public async Task An_answer_that_is_none_of_the_agents_is_a_sentence(
        string answer,
        string expected
    )
    {
        using var listener = new Socket(
            AddressFamily.Unix,
            SocketType.Stream,
            ProtocolType.Unspecified
        );
        listener.Bind(new UnixDomainSocketEndPoint($"{_folder}/other"));
        listener.Listen();
        var problem = ProblemAsync($"{_folder}/other");
        using var connection = await listener.AcceptAsync(Stop);
        await connection.SendAsync(Encoding.ASCII.GetBytes(answer), Stop);
        connection.Shutdown(SocketShutdown.Send);

        Assert.Contains(expected, await problem);
    }

    private static async Task<string> ProblemAsync(string socket)
    {
        using var client = new StatusClient(socket);
        return (await Assert.ThrowsAsync<AgentException>(() => client.GetAsync(Stop))).Message;
    }
}
