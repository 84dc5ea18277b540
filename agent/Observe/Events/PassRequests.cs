using PinAgent.NativeInterop;

namespace PinAgent.Observe.Events;

/// <summary>
/// What the one loop is asked for, from anywhere: a look at everything, a look for what has changed, or one at the processes
/// whose threads have just named themselves. What comes while the loop is busy counts once. Anybody on the node can cause
/// events, so each process has a share of them, and all that is asked for has a share of a CPU; what is beyond it waits
/// until the loop looks anyway, which is always in time.
/// </summary>
/// <param name="time">The clock; null for the machine's.</param>
/// <param name="spent">How long the calling thread has run on a CPU; null for what the kernel says.</param>
internal sealed class PassRequests(TimeProvider? time = null, Func<TimeSpan>? spent = null)
{
    /// <summary>How long the threads that name themselves during a pass are taken into it.</summary>
    public static readonly TimeSpan LongestRounds = TimeSpan.FromMilliseconds(100);

    /// <summary>The shortest time between two looks at everything because something was missed.</summary>
    public static readonly TimeSpan ScanPeriod = TimeSpan.FromSeconds(10);

    // More than that many at once, and a look at everything is cheaper.
    private const int MostNamed = 4096;

    // More than that many processes at once aren't looked at before all other work of the machine.
    private const int MostUrgentProcesses = 64;

    private readonly object _lock = new();
    private readonly TimeProvider _time = time ?? TimeProvider.System;
    private readonly Func<TimeSpan> _spent = spent ?? KernelClock.OfThread;
    private readonly NameBudget _names = new();
    private readonly WorkBudget _work = new();
    private readonly NamedBatch _named = new();
    private readonly SortedDictionary<string, string> _complaints = [];
    private PassScope _widest;
    private TimeSpan? _scanned;
    private TimeSpan? _scanDue;
    private TimeSpan? _asked;
    private TimeSpan _roundsEnd = TimeSpan.MaxValue;

    /// <summary>Whether the last wait ended because it was time, and not because anybody had asked for more than names.</summary>
    public bool WasByTime { get; private set; }

    /// <summary>What isn't told at once because somebody has too much to tell; null if all is.</summary>
    public string? Complaint
    {
        get
        {
            lock (_lock)
            {
                return _complaints.Count == 0 ? null : string.Join("; ", _complaints.Values);
            }
        }
    }

    /// <summary>Something was missed: nothing is known for sure.</summary>
    public void LookAtEverything()
    {
        lock (_lock)
        {
            Scan();
        }
    }

    /// <summary>Something has changed, anywhere.</summary>
    public void LookForChanges() => Ask(PassScope.Changes);

    /// <summary>
    /// A thread has named itself like one of a VM's, or one of a VM was moved, where the kernel tells. Where its process has had
    /// more than its share of events, it's looked at when changes are looked for, and no sooner.
    /// </summary>
    /// <param name="isDone">Whether it's pinned already, so that only keeping and telling are left: that waits for others.</param>
    public void LookAt(NamedThread thread, bool isDone = false)
    {
        lock (_lock)
        {
            switch (_names.Take(thread, Now()))
            {
                case EventVerdict.SourceExceeds:
                    return;
                case EventVerdict.AllExceed:
                    Scan();
                    return;
                default:
                    break;
            }

            if (_named.Count < MostNamed)
            {
                if (_named.Add(thread, isDone, Now()))
                {
                    Monitor.Pulse(_lock);
                }
            }
            else
            {
                Scan();
            }
        }
    }

    /// <summary>What isn't worth hearing for a while, as of now.</summary>
    public NameHearing Hearing()
    {
        lock (_lock)
        {
            var hearing = _names.Hearing(Now());
            Complain("names", hearing.Describe());
            return hearing;
        }
    }

    /// <summary>Says what a source can't tell at once.</summary>
    /// <param name="message">What; null if it can again.</param>
    public void Complain(string source, string? message)
    {
        lock (_lock)
        {
            if (message is null)
            {
                _complaints.Remove(source);
            }
            else
            {
                _complaints[source] = message;
            }
        }
    }

    /// <summary>Waits until something is asked for, or it's time to look for changes.</summary>
    /// <param name="longest">Until it's time; what's zero or less is over.</param>
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
        lock (_lock)
        {
            // First, for on a slow machine something is always asked for.
            stop.ThrowIfCancellationRequested();
            var due = Now() + longest;
            _ = Charge(Now());

            TimeSpan now;
            while (!IsTime(due, now = Now(), out var left))
            {
                // A wait may end a little early.
                Monitor.Wait(_lock, (int)Math.Min(left.TotalMilliseconds + 1, int.MaxValue));
                stop.ThrowIfCancellationRequested();
            }

            return Begin(now, due, out named);
        }
    }

    /// <summary>
    /// The threads that named themselves since the last call or wait; valid until the next. None once the pass has gone on
    /// for long, the next look for changes is due, or they have had their share of a CPU: they are taken by the next pass.
    /// </summary>
    public IReadOnlyList<NamedThread> TakeNamed()
    {
        lock (_lock)
        {
            if (_named.Count == 0)
            {
                return [];
            }

            // A look that was due costs nothing; what is added to it does.
            var now = Now();
            _asked = Charge(now);
            return now < _roundsEnd && _work.Left(now) <= TimeSpan.Zero ? _named.Take() : [];
        }
    }

    private TimeSpan Now() => _time.GetElapsedTime(0);

    // What was spent on what was asked for, up to what is returned.
    private TimeSpan Charge(TimeSpan now)
    {
        var soFar = _spent();
        if (_asked is { } before)
        {
            _work.Charge(soFar - before, now);
        }

        return soFar;
    }

    // What is due is done. What is asked for is done unless it has had its share of a CPU.
    private bool IsTime(TimeSpan due, TimeSpan now, out TimeSpan left)
    {
        left = due - now;
        if (left <= TimeSpan.Zero)
        {
            return true;
        }

        if (_widest == PassScope.Named && _named.Count == 0)
        {
            if (_scanDue is not { } scan)
            {
                return false;
            }

            left = scan - now < left ? scan - now : left;
            if (left > TimeSpan.Zero)
            {
                return false;
            }

            left = due - now;
        }

        var hold = _work.Left(now);
        if (_widest == PassScope.Named && _named.Due - now > hold)
        {
            hold = _named.Due - now;
        }

        left = hold < left ? hold : left;
        return hold <= TimeSpan.Zero;
    }

    private PassScope Begin(TimeSpan now, TimeSpan due, out IReadOnlyList<NamedThread> named)
    {
        var isDue = due <= now;
        WasByTime = isDue && _widest == PassScope.Named;
        if (_scanDue <= now)
        {
            (_scanned, _scanDue) = (now, null);
            _widest = PassScope.Everything;
        }
        else if (_widest == PassScope.Named && (isDue || _named.Processes > MostUrgentProcesses))
        {
            _widest = PassScope.Changes;
        }

        var scope = _widest;
        _widest = PassScope.Named;
        var taken = _named.Take();
        named = taken;
        if (scope != PassScope.Named)
        {
            // Whatever else its threads are, too: nobody told of each.
            taken.AddRange(_names.Deferred().Select(pid => new NamedThread(0, pid, 0)));
        }

        _asked = isDue ? null : _spent();
        _roundsEnd = isDue || due > now + LongestRounds ? now + LongestRounds : due;
        return scope;
    }

    private void Ask(PassScope scope)
    {
        lock (_lock)
        {
            _widest = scope > _widest ? scope : _widest;
            Monitor.Pulse(_lock);
        }
    }

    // Whoever makes the kernel lose events again and again has the whole node read once in a while, and no more often.
    private void Scan()
    {
        var now = Now();
        if (_scanned is { } last && now < last + ScanPeriod)
        {
            _scanDue ??= last + ScanPeriod;
        }
        else if (_widest != PassScope.Everything)
        {
            _scanned = now;
            _widest = PassScope.Everything;
        }

        Monitor.Pulse(_lock);
    }
}
