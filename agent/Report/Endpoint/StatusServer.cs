using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;

namespace PinAgent.Report.Endpoint;

/// <summary>
/// The status endpoint: HTTP on a loopback port and on a Unix socket, read-only. Pinning matters more: where an
/// address can't be had, a warning says so and the agent goes on.
/// </summary>
/// <param name="settings">Where.</param>
/// <param name="store">What is served.</param>
/// <param name="delays">How long the threads have waited.</param>
/// <param name="period">The longest time between the beginnings of two passes.</param>
/// <param name="time">The clock.</param>
/// <param name="logger">The log.</param>
public sealed partial class StatusServer(
    EndpointSettings settings,
    StatusStore store,
    RunDelays delays,
    TimeSpan period,
    TimeProvider time,
    ILogger<StatusServer> logger
) : IHostedService, IDisposable
{
    // Of each of the two addresses: nobody who floods one can shut the other.
    private const int MostConnections = 100;
    private const int MostFollowers = 50;

    // What one connection can make the agent hold, each way, in bytes.
    private const int LargestBuffer = 64 * 1024;
    private const int LargestRequestHead = 16 * 1024;

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan Farewell = TimeSpan.FromSeconds(1);

    private readonly CancellationTokenSource _stopping = new();
    private KestrelServer? _server;

    /// <summary>The page's address; null if there is none.</summary>
    public IPEndPoint? Tcp { get; private set; }

    /// <inheritdoc/>
    public async Task StartAsync(CancellationToken cancellationToken)
    {
        var sockets = Bind();
        if (sockets.Count == 0)
        {
            return;
        }

        _server = new KestrelServer(
            Options.Create(KestrelOptions(sockets)),
            new SocketTransportFactory(
                Options.Create(TransportOptions(sockets)),
                NullLoggerFactory.Instance
            ),
            NullLoggerFactory.Instance
        );
        await _server.StartAsync(
            new StatusApplication(
                new StatusRoutes(store, delays, period, settings.VmMetrics),
                new EventStream(store, time, MostFollowers),
                new EventStream(store, time, MostFollowers),
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
            using var farewell = new CancellationTokenSource(Farewell, time);
            await _server.StopAsync(farewell.Token);
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
        if (settings.Tcp is { } address && Take(Listener.Tcp(address)) is { } tcp)
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

    private static KestrelServerOptions KestrelOptions(List<Socket> sockets)
    {
        var options = new KestrelServerOptions
        {
            AddServerHeader = false,
            Limits =
            {
                MaxConcurrentConnections = MostConnections,
                MaxConcurrentUpgradedConnections = 0,
                MaxRequestBodySize = 0,
                MaxRequestBufferSize = LargestBuffer,
                MaxResponseBufferSize = LargestBuffer,
                MaxRequestHeadersTotalSize = LargestRequestHead,
                MaxRequestLineSize = LargestRequestHead,
                RequestHeadersTimeout = Patience,
                KeepAliveTimeout = Patience,
            },
        };
        foreach (var socket in sockets)
        {
            options.Listen(socket.LocalEndPoint!, listen => listen.Protocols = HttpProtocols.Http1);
        }

        return options;
    }

    // The sockets are bound already, so that one that can't be had doesn't cost the other.
    private static SocketTransportOptions TransportOptions(List<Socket> sockets) =>
        new()
        {
            MaxReadBufferSize = LargestBuffer,
            MaxWriteBufferSize = LargestBuffer,
            CreateBoundListenSocket = wanted =>
                sockets.Single(socket => socket.AddressFamily == wanted.AddressFamily),
        };

    [LoggerMessage(41, LogLevel.Information, "Status at {Address}")]
    private partial void LogListening(string address);

    [LoggerMessage(42, LogLevel.Warning, "Status endpoint: {Problem}")]
    private partial void LogNotListening(string problem);
}
