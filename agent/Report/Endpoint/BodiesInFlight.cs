using System.Runtime.InteropServices;

namespace PinAgent.Report.Endpoint;

/// <summary>
/// Bounds the bytes that all clients of a listener make the agent hold together. Clients who receive the same body hold
/// it once; one who doesn't read holds what it was given until its connection is cut.
/// </summary>
/// <param name="most">How many bytes of different bodies; a single body may be larger.</param>
internal sealed class BodiesInFlight(int most)
{
    private readonly Lock _lock = new();
    private readonly Dictionary<byte[], int> _clients = [];
    private long _held;

    /// <summary>The bytes that are held now.</summary>
    public long Held
    {
        get
        {
            lock (_lock)
            {
                return _held;
            }
        }
    }

    /// <summary>How many different bodies are held now.</summary>
    public int Count
    {
        get
        {
            lock (_lock)
            {
                return _clients.Count;
            }
        }
    }

    /// <summary>Begins to send a body; null if too much else is on its way. To be disposed of when it's sent.</summary>
    public IDisposable? TryBegin(ReadOnlyMemory<byte> body)
    {
        if (!MemoryMarshal.TryGetArray(body, out var segment) || segment.Array is not { } array)
        {
            throw new ArgumentException("A body is an array.", nameof(body));
        }

        lock (_lock)
        {
            if (_clients.TryGetValue(array, out var clients))
            {
                _clients[array] = clients + 1;
            }
            else if (_clients.Count == 0 || _held + array.Length <= most)
            {
                _clients.Add(array, 1);
                _held += array.Length;
            }
            else
            {
                return null;
            }
        }

        return new Sending(this, array);
    }

    private void End(byte[] body)
    {
        lock (_lock)
        {
            var clients = _clients[body] - 1;
            if (clients > 0)
            {
                _clients[body] = clients;
            }
            else
            {
                _clients.Remove(body);
                _held -= body.Length;
            }
        }
    }

    private sealed class Sending(BodiesInFlight bodies, byte[] body) : IDisposable
    {
        private byte[]? _body = body;

        public void Dispose()
        {
            if (Interlocked.Exchange(ref _body, null) is { } body)
            {
                bodies.End(body);
            }
        }
    }
}
