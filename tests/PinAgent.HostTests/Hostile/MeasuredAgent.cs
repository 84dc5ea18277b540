using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text.Json.Nodes;
using PinAgent.HostTests.Harness;
using Xunit;

namespace PinAgent.HostTests.Hostile;

/// <summary>The agent, with the limits and the capabilities of the DaemonSet's container.</summary>
internal sealed class MeasuredAgent : IAsyncDisposable
{
    // The manifest's probe has as long.
    private static readonly TimeSpan ProbePatience = TimeSpan.FromSeconds(10);

    // The kubelet takes an agent that begins for dead after a minute.
    private static readonly TimeSpan StartPatience = TimeSpan.FromSeconds(30);

    private readonly ControlGroup _group;
    private readonly TemporaryFolder _folder = new();
    private readonly ManifestLimits _limits;
    private readonly string[] _guests;
    private readonly string _socket;
    private AgentLoop _loop;
    private HttpClient _client;

    /// <param name="limits">Its limits.</param>
    /// <param name="guests">The guests it's to pin.</param>
    public MeasuredAgent(ManifestLimits limits, params string[] guests)
    {
        _group = new ControlGroup("agent")
        {
            MemoryLimit = limits.MemoryBytes,
            CpuShares = limits.CpuShares,
        };
        _socket = $"{_folder.Path}/pinagent.sock";
        (_limits, _guests, Port) = (limits, guests, FreePort());
        (_loop, _client) = Start();
    }

    /// <summary>Where its page is.</summary>
    public int Port { get; }

    /// <summary>Whether it has ended, which it never should.</summary>
    public bool HasEnded => _loop.HasEnded;

    public int LogLines => _loop.LogLines;

    public TimeSpan CpuTime => _group.CpuTime;

    public long MostMemory => _group.MostMemory;

    /// <summary>The most of its memory that was resident, what it shares with other programs included; zero if it ended.</summary>
    public long MostResident
    {
        get
        {
            try
            {
                var line = File.ReadLines($"/proc/{_loop.Pid}/status")
                    .FirstOrDefault(line => line.StartsWith("VmHWM:", StringComparison.Ordinal));
                return line is null
                    ? 0
                    : long.Parse(line[6..^3], CultureInfo.InvariantCulture) << 10;
            }
            catch (IOException)
            {
                return 0;
            }
        }
    }

    /// <summary>Waits until each of its guests is pinned, or it's said why not.</summary>
    public Task PinnedAsync() =>
        _loop.WaitForLogsAsync([.. _guests.Select(guest => $"/{guest}")]).WaitAsync(StartPatience);

    /// <summary>Its status, as a program reads it.</summary>
    public async Task<Status> StatusAsync() =>
        new(
            JsonNode.Parse(
                await _client.GetStringAsync(
                    "http://localhost/api/v1/status",
                    TestContext.Current.CancellationToken
                )
            )!
        );

    /// <summary>Gives a VM back.</summary>
    public async Task ReleaseAsync(int pid)
    {
        var released = await Agent.RunAsync(
            "release",
            "--socket",
            _socket,
            "--state-dir",
            _folder.Path,
            "--vm",
            $"{pid}"
        );
        Assert.True(released.ExitCode == 0, released.StandardError);
    }

    /// <summary>Asks for its health, as its pod's liveness probe does.</summary>
    /// <returns>How long the answer took; null if there was none, or another than 200.</returns>
    public async Task<TimeSpan?> ProbeAsync()
    {
        var time = Stopwatch.StartNew();
        try
        {
            using var answer = await _client.GetAsync(
                "http://localhost/healthz",
                TestContext.Current.CancellationToken
            );
            return answer.StatusCode == HttpStatusCode.OK ? time.Elapsed : null;
        }
        catch (Exception problem)
            when (problem is HttpRequestException
                || (
                    problem is TaskCanceledException
                    && !TestContext.Current.CancellationToken.IsCancellationRequested
                )
            )
        {
            return null;
        }
    }

    /// <summary>Kills it, and starts it again where it was.</summary>
    /// <returns>Whether it has come to life.</returns>
    public async Task<bool> RestartAsync()
    {
        _client.Dispose();
        await _loop.DisposeAsync();
        (_loop, _client) = Start();
        var time = Stopwatch.StartNew();
        while (!_loop.HasEnded && time.Elapsed < StartPatience)
        {
            if (await ProbeAsync() is not null)
            {
                return true;
            }

            await Task.Delay(TimeSpan.FromMilliseconds(20), TestContext.Current.CancellationToken);
        }

        return false;
    }

    public async ValueTask DisposeAsync()
    {
        _client.Dispose();
        await _loop.DisposeAsync();
        _group.Dispose();
        _folder.Dispose();
    }

    private (AgentLoop, HttpClient) Start()
    {
        var loop = AgentLoop.Through(
            [
                "/bin/sh",
                "-c",
                $"{_group.Join} && exec \"$@\"",
                "sh",
                "env",
                $"DOTNET_GCHeapHardLimit={_limits.GcHeapHardLimit}",
                .. _limits.HasEbpf ? AgentLoop.WithTraceFolder : [],
                "setpriv",
                $"--bounding-set={_limits.Capabilities}",
                "--inh-caps=-all",
            ],
            [
                .. _guests.SelectMany(guest => new[] { "--vm", guest }),
                "--interval",
                "1",
                "--tcp",
                $"127.0.0.1:{Port}",
                "--socket",
                _socket,
                "--state-dir",
                _folder.Path,
                // What works on every kernel, and costs most.
                .. _limits.HasEbpf ? new[] { "--events", "syscalls" } : [],
            ]
        );
        var client = AgentLoop.Client(_socket);
        client.Timeout = ProbePatience;
        return (loop, client);
    }

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
