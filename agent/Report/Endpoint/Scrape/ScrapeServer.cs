using System.Net;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using PinAgent.Kubernetes.Client;

namespace PinAgent.Report.Endpoint.Scrape;

/// <summary>
/// The metrics for a Prometheus on another machine: <c>/metrics</c> over TLS, for those whom the cluster lets read it.
/// Where the port can't be had, a warning says so and the agent goes on.
/// </summary>
internal sealed partial class ScrapeServer(
    ScrapeSettings settings,
    MetricsPage metrics,
    ApiConnection connection,
    TimeProvider time,
    ILogger<ScrapeServer> logger
) : IHostedService, IDisposable
{
    private readonly CancellationTokenSource _stopping = new();
    private readonly ScrapeGuard _guard = new(connection, time);
    private KestrelServer? _server;

    /// <summary>The address; null if there is none.</summary>
    public IPEndPoint? Address { get; private set; }

    /// <inheritdoc/>
    public async Task StartAsync(CancellationToken cancellationToken)
    {
        var listener = Listener.Tcp(
            settings.Address,
            "no metrics there; choose another with --metrics-listen"
        );
        if (listener.Socket is not { } socket)
        {
            LogNotListening(listener.Problem!);
            return;
        }

        var certificates = new ServerCertificates(settings, logger);
        // What is wrong with the files is said at once, and not to the first client.
        _ = certificates.Current();
        Address = socket.LocalEndPoint as IPEndPoint;
        _server = HttpServer.Create(
            [socket],
            time,
            listen => listen.Use(next => new TlsConnections(next, certificates, time).ServeAsync)
        );
        await _server.StartAsync(
            new ScrapeApplication(metrics, _guard, logger, _stopping.Token),
            cancellationToken
        );
        LogListening(Address!);
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
        _guard.Dispose();
        _stopping.Dispose();
    }

    [LoggerMessage(45, LogLevel.Information, "Metrics at https://{Address}/metrics")]
    private partial void LogListening(IPEndPoint address);

    [LoggerMessage(46, LogLevel.Warning, "Metrics: {Problem}")]
    private partial void LogNotListening(string problem);
}
