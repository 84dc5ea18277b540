using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.Logging.Abstractions;
using PinAgent.Model.Node;
using PinAgent.Report.Endpoint;
using PinAgent.Report.Status;
using PinAgent.Tests.Apply;
using PinAgent.Tests.Plan;
using Xunit;

namespace PinAgent.Tests.Report.Endpoint;

/// <summary>A real status endpoint on a free port and on a socket of its own, and real HTTP clients.</summary>
internal sealed class ServedStatus : IAsyncDisposable
{
    private readonly string _folder;
    private readonly StatusServer _server;

    private ServedStatus(string folder, StatusServer server, StatusStore store)
    {
        (_folder, _server, Store) = (folder, server, store);
        Tcp = new HttpClient { BaseAddress = new Uri($"http://{server.Tcp}") };
        Unix = new HttpClient(
            new SocketsHttpHandler
            {
                ConnectCallback = async (_, stop) => await ConnectAsync(SocketPath, stop),
            }
        )
        {
            BaseAddress = new Uri("http://any.name"),
        };
    }

    public StatusStore Store { get; }

    public HttpClient Tcp { get; }

    public HttpClient Unix { get; }

    public IPEndPoint Address => _server.Tcp!;

    public long BytesOverTcp => _server.OverTcp.Held;

    public ClientPace PaceOverTcp => _server.PaceOverTcp;

    public long BytesOverSocket => _server.OverSocket.Held;

    public string SocketPath => Path.Combine(_folder, "run", "pinagent.sock");

    /// <summary>Starts an endpoint that has no status yet.</summary>
    public static async Task<ServedStatus> StartAsync(
        TimeProvider? time = null,
        double periodSeconds = 1,
        Func<int, ulong?>? runDelay = null,
        bool vmMetrics = false
    )
    {
        var folder = Directory.CreateTempSubdirectory("pinagent-test-").FullName;
        var store = new StatusStore(time ?? TimeProvider.System);
        var server = Server(
            new EndpointSettings(
                new IPEndPoint(IPAddress.Loopback, 0),
                Path.Combine(folder, "run", "pinagent.sock"),
                vmMetrics
            ),
            store,
            time,
            periodSeconds,
            runDelay
        );
        await server.StartAsync(TestContext.Current.CancellationToken);
        return new ServedStatus(folder, server, store);
    }

    /// <summary>An endpoint that hasn't been started.</summary>
    public static StatusServer Server(
        EndpointSettings settings,
        StatusStore store,
        TimeProvider? time = null,
        double periodSeconds = 1,
        Func<int, ulong?>? runDelay = null
    )
    {
        var delays = new RunDelays(runDelay ?? (_ => null), time ?? TimeProvider.System);
        return new(
            settings,
            store,
            new MetricsPage(store, delays, settings.VmMetrics),
            delays,
            TimeSpan.FromSeconds(periodSeconds),
            time ?? TimeProvider.System,
            NullLogger<StatusServer>.Instance
        );
    }

    /// <summary>A status with so many repairs, of these VMs.</summary>
    public static NodeStatus Node(long repairs = 0, params VmStatus[] vms) =>
        new()
        {
            Node = "node-1",
            Mode = AgentMode.Enforce,
            Topology = TopologyStatus.Of(Nodes.Parse("(0,8)(1)")),
            CpuManager = new CpuManagerStatus(CpuManagerState.Unknown, null, []),
            Vms = [.. vms],
            Drift = new DriftStatus(repairs),
        };

    /// <summary>A pinned VM.</summary>
    public static VmStatus Vm(string name, int pid = 1000) =>
        AppliedVm.Pinned().Status() with
        {
            Name = name,
            Pid = pid,
        };

    public static async Task<Stream> ConnectAsync(string path, CancellationToken stop)
    {
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        await socket.ConnectAsync(new UnixDomainSocketEndPoint(path), stop);
        return new NetworkStream(socket, ownsSocket: true);
    }

    /// <summary>Follows the changes: the stream's lines.</summary>
    public static async Task<StreamReader> FollowAsync(HttpClient client)
    {
        var response = await client.GetAsync(
            StatusRoutes.Events,
            HttpCompletionOption.ResponseHeadersRead,
            TestContext.Current.CancellationToken
        );
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        return new StreamReader(
            await response.Content.ReadAsStreamAsync(TestContext.Current.CancellationToken)
        );
    }

    /// <summary>Ends the endpoint as the agent does.</summary>
    public Task StopAsync() => _server.StopAsync(TestContext.Current.CancellationToken);

    public async ValueTask DisposeAsync()
    {
        Tcp.Dispose();
        Unix.Dispose();
        await StopAsync();
        _server.Dispose();
        Directory.Delete(_folder, recursive: true);
    }
}
