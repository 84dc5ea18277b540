using PinAgent.Observe.Files;

namespace PinAgent.Observe.Qemu;

/// <summary>
/// How many threads are read of VMs that would be read again and again: those that lack something, and those with more threads
/// than any real one. All of them together have so many a second, whoever has the most.
/// </summary>
internal sealed class ThreadBudget(HostFiles files, ProcessList processes)
{
    private double _left = Bounds.TroubledThreads;
    private double? _refilledAt;

    /// <summary>Whether another may be read.</summary>
    public bool IsLeft => _left > 0;

    /// <summary>Gives back what time has brought since the last time.</summary>
    public void Refill()
    {
        var now = processes.ReadUptime();
        var passed = now - _refilledAt;
        _left = passed is >= 0
            ? Math.Min(
                Bounds.TroubledThreads,
                _left + (passed.Value * Bounds.TroubledThreadsPerSecond)
            )
            : Bounds.TroubledThreads;
        _refilledAt = now;
    }

    /// <summary>
    /// Whether a process that has named threads may be read at once. One that mayn't keeps what is known of it, until it's told
    /// of again or everything is looked at.
    /// </summary>
    public bool Admits(int pid)
    {
        var threads = files.CountFolders($"/proc/{pid}/task") ?? 0;
        if (threads <= Bounds.ThreadsReadAtOnce)
        {
            return true;
        }

        Refill();
        if (!IsLeft)
        {
            return false;
        }

        Take(threads);
        return true;
    }

    /// <summary>So many threads are read.</summary>
    public void Take(long threads) => _left -= threads;
}
