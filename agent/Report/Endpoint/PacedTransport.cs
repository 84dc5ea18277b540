using System.Net;
using Microsoft.AspNetCore.Connections;

namespace PinAgent.Report.Endpoint;

/// <summary>
/// Takes connections at a pace. The server turns away those it has no place for, but it has to take them for that: who comes
/// back at once, again and again, would cost as much CPU as they like. Meanwhile they wait in the kernel's queue.
/// </summary>
/// <param name="paceOf">That of one listener; null for as fast as they come.</param>
internal sealed class PacedTransport(
    IConnectionListenerFactory transport,
    Func<EndPoint, ClientPace?> paceOf
) : IConnectionListenerFactory
{
    /// <inheritdoc/>
    public async ValueTask<IConnectionListener> BindAsync(
        EndPoint endpoint,
        CancellationToken cancellationToken = default
    )
    {
        var listener = await transport.BindAsync(endpoint, cancellationToken);
        return paceOf(endpoint) is { } pace ? new PacedListener(listener, pace) : listener;
    }

    private sealed class PacedListener(IConnectionListener listener, ClientPace pace)
        : IConnectionListener
    {
        private readonly CancellationTokenSource _unbound = new();

        public EndPoint EndPoint => listener.EndPoint;

        public async ValueTask<ConnectionContext?> AcceptAsync(
            CancellationToken cancellationToken = default
        )
        {
            try
            {
                await pace.WaitAsync(1, _unbound.Token);
            }
            catch (OperationCanceledException) when (_unbound.IsCancellationRequested)
            {
                return null;
            }

            return await listener.AcceptAsync(cancellationToken);
        }

        public async ValueTask UnbindAsync(CancellationToken cancellationToken = default)
        {
            await _unbound.CancelAsync();
            await listener.UnbindAsync(cancellationToken);
        }

        public async ValueTask DisposeAsync()
        {
            await listener.DisposeAsync();
            _unbound.Dispose();
        }
    }
}
