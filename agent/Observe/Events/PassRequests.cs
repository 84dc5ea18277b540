using System.Diagnostics;
using PinAgent.NativeInterop;

namespace PinAgent.Observe.Events;

/// <summary>
/// What the one loop is asked for, from anywhere: a look at everything, a look for what has changed, or one at the processes
/// whose threads have just named themselves. What comes while the loop is busy counts once.
/// </summary>
internal sealed class PassRequests
{
    // More than that many at once, and a look at everything is cheaper.
    private const int MostNamed = 4096;

    private readonly object _lock = new();
    private PassScope _widest;
    private List<NamedThread> _named = [];
    private List<NamedThread> _taken = [];

    /// <summary>Something was missed: nothing is known for sure.</summary>
    public void LookAtEverything() => Ask(PassScope.Everything);

    /// <summary>Something has changed, anywhere.</summary>
    public void LookForChanges() => Ask(PassScope.Changes);

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
                _widest = PassScope.Everything;
            }

            Monitor.Pulse(_lock);
        }
    }

    /// <summary>Waits until something is asked for, or it's time to look for changes.</summary>
    /// <param name="longest">Until it's time; what's zero or less is over.</param>
    /// <param name="stop">Ends the wait.</param>
    /// <param name="named">The threads that named themselves since the last call; valid until the next.</param>
    /// <returns>How far to look.</returns>
    /// <exception cref="OperationCanceledException">The wait was ended.</exception>
    public PassScope Wait(
        TimeSpan longest,
        CancellationToken stop,
        out IReadOnlyList<NamedThread> named
    )
    {
        using var pulse = stop.Register(() =>
        {
            lock (_lock)
            {
                Monitor.Pulse(_lock);
            }
        });
        var began = Stopwatch.GetTimestamp();
        lock (_lock)
        {
            // First, for on a slow machine something is always asked for.
            stop.ThrowIfCancellationRequested();
            var left = longest;
            while (_widest == PassScope.Named && left > TimeSpan.Zero && _named.Count == 0)
            {
                // A wait may end a little early.
                Monitor.Wait(_lock, (int)Math.Min(left.TotalMilliseconds + 1, int.MaxValue));
                stop.ThrowIfCancellationRequested();
                left = longest - Stopwatch.GetElapsedTime(began);
            }

            if (_widest == PassScope.Named && left <= TimeSpan.Zero)
            {
                _widest = PassScope.Changes;
            }

            var scope = _widest;
            _widest = PassScope.Named;
            named = Take();
            return scope;
        }
    }

    /// <summary>The threads that named themselves since the last call or wait; valid until the next.</summary>
    public IReadOnlyList<NamedThread> TakeNamed()
    {
        lock (_lock)
        {
            return Take();
        }
    }

    private List<NamedThread> Take()
    {
        _taken.Clear();
        (_named, _taken) = (_taken, _named);
        return _taken;
    }

    private void Ask(PassScope scope)
    {
        lock (_lock)
        {
            _widest = scope > _widest ? scope : _widest;
            Monitor.Pulse(_lock);
        }
    }
}

/// <summary>How far a pass looks; each one sees what those before it do.</summary>
internal enum PassScope
{
    /// <summary>At the processes whose threads have just named themselves.</summary>
    Named,

    /// <summary>At what shows that something has changed, and then at that.</summary>
    Changes,

    /// <summary>At every process.</summary>
    Everything,
}
