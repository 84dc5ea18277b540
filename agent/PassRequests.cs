using PinAgent.NativeInterop;

namespace PinAgent;

/// <summary>
/// What the one loop is asked for, from anywhere: a look at everything, or at once at the processes whose threads have just
/// named themselves. What comes while the loop is busy counts once.
/// </summary>
public sealed class PassRequests
{
    // More than that many at once, and a look at everything is cheaper.
    private const int MostNamed = 4096;

    private readonly object _lock = new();
    private bool _everything;
    private List<NamedThread> _named = [];
    private List<NamedThread> _taken = [];

    /// <summary>Something has changed, anywhere on the node.</summary>
    public void LookAtEverything()
    {
        lock (_lock)
        {
            _everything = true;
            Monitor.Pulse(_lock);
        }
    }

    /// <summary>A thread has named itself like one of a VM's.</summary>
    public void LookAt(NamedThread thread)
    {
        lock (_lock)
        {
            if (_named.Count < MostNamed)
            {
                _named.Add(thread);
            }
            else
            {
                _everything = true;
            }

            Monitor.Pulse(_lock);
        }
    }

    /// <summary>Waits until something is asked for.</summary>
    /// <param name="stop">Ends the wait.</param>
    /// <param name="named">The threads that named themselves since the last call; valid until the next.</param>
    /// <returns>Whether everything is to be looked at.</returns>
    /// <exception cref="OperationCanceledException">The wait was ended.</exception>
    public bool Wait(CancellationToken stop, out IReadOnlyList<NamedThread> named)
    {
        using var pulse = stop.Register(() =>
        {
            lock (_lock)
            {
                Monitor.Pulse(_lock);
            }
        });
        lock (_lock)
        {
            // First, for on a slow machine something is always asked for.
            stop.ThrowIfCancellationRequested();
            while (!_everything && _named.Count == 0)
            {
                Monitor.Wait(_lock);
                stop.ThrowIfCancellationRequested();
            }

            var everything = _everything;
            _everything = false;
            _taken.Clear();
            (_named, _taken) = (_taken, _named);
            named = _taken;
            return everything;
        }
    }
}
