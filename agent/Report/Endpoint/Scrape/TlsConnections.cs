using System.IO.Pipelines;
using System.Net.Security;
using System.Security.Authentication;
using Microsoft.AspNetCore.Connections;

namespace PinAgent.Report.Endpoint.Scrape;

/// <summary>
/// TLS between a connection and HTTP. Kestrel's own needs the web host's services; what is left of it here is a stream
/// and a limit for the handshake.
/// </summary>
internal sealed class TlsConnections(
    ConnectionDelegate next,
    ServerCertificates certificates,
    TimeProvider time
)
{
    /// <summary>Serves a connection to its end.</summary>
    public async Task ServeAsync(ConnectionContext connection)
    {
        var plain = connection.Transport;
        await using var tls = new SslStream(new DuplexStream(plain));
        if (!await TryShakeHandsAsync(tls, connection.ConnectionClosed))
        {
            return;
        }

        connection.Transport = new Encrypted(
            PipeReader.Create(tls, new StreamPipeReaderOptions(leaveOpen: true)),
            PipeWriter.Create(tls, new StreamPipeWriterOptions(leaveOpen: true))
        );
        try
        {
            await next(connection);
        }
        finally
        {
            connection.Transport = plain;
        }
    }

    private async Task<bool> TryShakeHandsAsync(SslStream tls, CancellationToken closed)
    {
        if (certificates.Current() is not { } certificate)
        {
            return false;
        }

        using var limit = new CancellationTokenSource(HttpServer.Patience, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(closed, limit.Token);
        try
        {
            await tls.AuthenticateAsServerAsync(
                new SslServerAuthenticationOptions
                {
                    ServerCertificateContext = certificate,
                    EnabledSslProtocols = SslProtocols.Tls12 | SslProtocols.Tls13,
                    ApplicationProtocols = [SslApplicationProtocol.Http11],
                },
                either.Token
            );
            return true;
        }
        catch (Exception problem)
            when (problem is IOException or AuthenticationException or OperationCanceledException)
        {
            // A client that speaks something else, goes, or says nothing: its own affair.
            return false;
        }
    }

    private sealed record Encrypted(PipeReader Input, PipeWriter Output) : IDuplexPipe;
}
