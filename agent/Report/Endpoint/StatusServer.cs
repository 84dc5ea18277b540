using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using PinAgent.Report.Status;
using PinAgent.Report.Timeline;

namespace PinAgent.Report.Endpoint;

/// <summary>
/// The status endpoint: HTTP on a loopback port and on a Unix socket, read-only. Pinning matters more: where an
/// address can't be had, a warning says so and the agent goes on.
/// </summary>
/// <param name="delays">How long the threads have waited.</param>
/// <param name="period">The longest time between the beginnings of two passes.</param>
internal sealed partial class StatusServer(
    EndpointSettings settings,
    StatusStore store,
    MetricsPage metrics,
    RunDelays delays,
    TimeSpan period,
    TimeProvider time,
    ILogger<StatusServer> logger,
    NodeTimeline? timeline = null
) : IHostedService, IDisposable
{
    private const int MostFollowers = 50;

    // Answers to all clients over TCP, of 256 KiB: at once, and a second in the long run. A browser with the page of 80 VMs takes
    // some four for each change.
    private const int AnswersAtOnce = 40;
    private const int AnswersPerSecond = 5;

    private readonly CancellationTokenSource _stopping = new();
    private KestrelServer? _server;

    /// <summary>The page's address; null if there is none.</summary>
    public IPEndPoint? Tcp { get; private set; }

    /// <summary>What clients over TCP receive now.</summary>
    internal BodiesInFlight OverTcp { get; } = new(HttpServer.MostInFlight);

    /// <summary>What clients of the Unix socket receive now: the probe among them, so nobody over TCP takes their share.</summary>
    internal BodiesInFlight OverSocket { get; } = new(HttpServer.MostInFlight);

    /// <summary>How fast clients over TCP are answered.</summary>
    internal ClientPace PaceOverTcp { get; } = new(AnswersAtOnce, AnswersPerSecond, time);

    /// <inheritdoc/>
    public async Task StartAsync(CancellationToken cancellationToken)
    {
        var sockets = Bind();
        if (sockets.Count == 0)
        {
            return;
        }

        _server = HttpServer.Create(sockets, time);
        await _server.StartAsync(
            new StatusApplication(
                new StatusRoutes(store, delays, period, metrics, timeline),
                PaceOverTcp,
                new EventStream(store, time, MostFollowers, OverTcp),
                new EventStream(store, time, MostFollowers, OverSocket),
                logger,
                _stopping.Token
            ),
            cancellationToken
        );
    }

    /// <inheritdoc/>
    public async Task StopAsync(CancellationToken cancellationToken)
    {
        await _stopping.CancelAsync();
        if (_server is not null)
        {
            await HttpServer.StopAsync(_server, time);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _server?.Dispose();
        _stopping.Dispose();
    }

    private List<Socket> Bind()
    {
        var sockets = new List<Socket>();
        if (
            settings.Tcp is { } address
            && Take(
                Listener.Tcp(address, "no status page; choose another with --tcp, or --tcp off")
            )
                is { } tcp
        )
        {
            sockets.Add(tcp);
            Tcp = tcp.LocalEndPoint as IPEndPoint;
            LogListening($"http://{Tcp}/");
        }

        if (Take(Listener.Unix(settings.Socket)) is { } unix)
        {
            sockets.Add(unix);
            LogListening(settings.Socket);
        }

        return sockets;
    }

    private Socket? Take(Listener listener)
    {
        if (listener.Problem is { } problem)
        {
            LogNotListening(problem);
        }

        return listener.Socket;
    }

    [LoggerMessage(41, LogLevel.Information, "Status at {Address}")]
    private partial void LogListening(string address);

    [LoggerMessage(42, LogLevel.Warning, "Status endpoint: {Problem}")]
    private partial void LogNotListening(string problem);
}
