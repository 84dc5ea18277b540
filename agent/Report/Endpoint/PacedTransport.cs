using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using Microsoft.Extensions.Logging.Abstractions;

namespace PinAgent.Report.Endpoint;

/// <summary>
/// Takes connections at a pace, from sockets that are bound already. The server turns away those it has no place for, but it has
/// to take them for that: who comes back at once, again and again, would cost as much CPU as they like. Meanwhile they wait in the
/// kernel's queue. Where the kernel has no file to give for one, Kestrel's own listener would ask again without a pause.
/// </summary>
/// <param name="sockets">At most one of each address family.</param>
/// <param name="options">What a connection may have unread and unsent.</param>
/// <param name="paceOf">That of one listener; null for as fast as they come.</param>
internal sealed class PacedTransport(
    IReadOnlyCollection<Socket> sockets,
    SocketConnectionFactoryOptions options,
    TimeProvider time,
    Func<EndPoint, ClientPace?> paceOf
) : IConnectionListenerFactory
{
    // As many as Kestrel's own lets wait.
    private const int Waiting = 512;

    private static readonly TimeSpan AfterFailure = TimeSpan.FromMilliseconds(100);

    /// <inheritdoc/>
    public ValueTask<IConnectionListener> BindAsync(
        EndPoint endpoint,
        CancellationToken cancellationToken = default
    )
    {
        var socket = sockets.Single(socket => socket.AddressFamily == endpoint.AddressFamily);
        socket.Listen(Waiting);
        return new(new PacedListener(socket, options, time, paceOf(endpoint)));
    }

    private sealed class PacedListener(
        Socket listener,
        SocketConnectionFactoryOptions options,
        TimeProvider time,
        ClientPace? pace
    ) : IConnectionListener
    {
        private readonly CancellationTokenSource _unbound = new();
        private readonly SocketConnectionContextFactory _contexts = new(
            options,
            NullLogger.Instance
        );

        public EndPoint EndPoint { get; } = listener.LocalEndPoint!;

        public async ValueTask<ConnectionContext?> AcceptAsync(
            CancellationToken cancellationToken = default
        )
        {
            while (true)
            {
                try
                {
                    if (pace is not null)
                    {
                        await pace.WaitAsync(1, _unbound.Token);
                    }

                    var client = await listener.AcceptAsync(_unbound.Token);
                    if (client.LocalEndPoint is IPEndPoint)
                    {
                        client.NoDelay = true;
                    }

                    return _contexts.Create(client);
                }
                catch (Exception) when (_unbound.IsCancellationRequested)
                {
                    return null;
                }
                // No more files, no memory; or a client that has left while it waited.
                catch (SocketException)
                {
                    await PauseAsync();
                }
            }
        }

        public async ValueTask UnbindAsync(CancellationToken cancellationToken = default)
        {
            await _unbound.CancelAsync();
            listener.Dispose();
        }

        public ValueTask DisposeAsync()
        {
            listener.Dispose();
            _contexts.Dispose();
            _unbound.Dispose();
            return default;
        }

        private async Task PauseAsync()
        {
            try
            {
                await Task.Delay(AfterFailure, time, _unbound.Token);
            }
            catch (OperationCanceledException)
            {
                // The next look says so.
            }
        }
    }
}
