using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;

namespace PinAgent.Report.Endpoint;

/// <summary>Kestrel with the limits that keep its clients from harming the agent, on sockets that are bound already.</summary>
internal static class HttpServer
{
    /// <summary>How long a client may take for what it has to say.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    /// <summary>What all clients of one address may receive at a time, in bytes of different bodies.</summary>
    public const int MostInFlight = 4 * 1024 * 1024;

    // Of each address: nobody who floods one can shut another.
    private const int MostConnections = 64;

    // What one connection can make the agent hold, each way, in bytes.
    private const int LargestBuffer = 16 * 1024;
    private const int LargestRequestHead = 8 * 1024;

    // What is taken from a connection before what came earlier was looked at: who sends one request after the other while the
    // first is answered makes the agent read each by itself. The rest waits in the kernel.
    private const int LargestUnseen = 1024;

    // Connections that are taken over TCP, of each address: at once, and a second in the long run. The socket is root's.
    private const int AcceptedAtOnce = 72;
    private const int AcceptedPerSecond = 5;

    // A client that takes less, of a piece of a body, is one that doesn't read: it's cut off soon.
    private static readonly MinDataRate SlowestReader = new(
        bytesPerSecond: 4 * 1024,
        gracePeriod: TimeSpan.FromSeconds(5)
    );

    private static readonly TimeSpan Farewell = TimeSpan.FromSeconds(1);

    /// <summary>Creates a server.</summary>
    /// <param name="sockets">
    /// Where: at most one of each address family. They are bound already, so that one that can't be had doesn't cost the other.
    /// </param>
    /// <param name="extend">Puts something between the connection and HTTP; null for nothing.</param>
    public static KestrelServer Create(
        IReadOnlyCollection<Socket> sockets,
        TimeProvider time,
        Action<ListenOptions>? extend = null
    ) =>
        new(
            Options.Create(KestrelOptions(sockets, extend)),
            new PacedTransport(
                sockets,
                new SocketConnectionFactoryOptions
                {
                    MaxReadBufferSize = LargestUnseen,
                    MaxWriteBufferSize = LargestBuffer,
                },
                time,
                endpoint =>
                    endpoint is IPEndPoint
                        ? new ClientPace(AcceptedAtOnce, AcceptedPerSecond, time)
                        : null
            ),
            NullLoggerFactory.Instance
        );

    /// <summary>Ends a server, and its clients soon after.</summary>
    public static async Task StopAsync(KestrelServer server, TimeProvider time)
    {
        using var farewell = new CancellationTokenSource(Farewell, time);
        await server.StopAsync(farewell.Token);
    }

    private static KestrelServerOptions KestrelOptions(
        IReadOnlyCollection<Socket> sockets,
        Action<ListenOptions>? extend
    )
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
                MinResponseDataRate = SlowestReader,
            },
        };
        foreach (var socket in sockets)
        {
            options.Listen(
                socket.LocalEndPoint!,
                listen =>
                {
                    listen.Protocols = HttpProtocols.Http1;
                    extend?.Invoke(listen);
                }
            );
        }

        return options;
    }
}
