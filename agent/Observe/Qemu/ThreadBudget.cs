using PinAgent.Model.Vm;
using PinAgent.Observe.Files;

namespace PinAgent.Observe.Qemu;

/// <summary>
/// How many threads are read of VMs that would be read again and again: those that lack something, and those with more threads
/// than any real one. All of them together have so many a second, whoever has the most. And one whose threads come and go has
/// so many a second for itself.
/// </summary>
internal sealed class ThreadBudget(HostFiles files, ProcessList processes)
{
    private readonly Dictionary<int, double> _nextAt = [];
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
    /// of again or everything is looked at. Of one that lacks something nothing can be pinned: its turn comes.
    /// </summary>
    /// <param name="known">The VM as it was; null if it's new.</param>
    public bool Admits(int pid, ObservedVm? known)
    {
        var threads = files.CountFolders($"/proc/{pid}/task") ?? 0;
        if (
            known?.Problem is { Reason: not Reason.VcpuThreadsStarting }
            && threads > Bounds.ThreadsReadAtAnyTime
        )
        {
            return false;
        }

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

    /// <summary>
    /// Whether a VM whose threads aren't as they were may be read again yet. The more threads it has, and the more such VMs
    /// there are, the longer it waits for the next time. One that hasn't been read for long never waits, nor one that has ended.
    /// </summary>
    public bool IsTurnOf(int pid)
    {
        var threads = files.CountFolders($"/proc/{pid}/task") ?? 0;
        if (threads <= Bounds.ThreadsReadAtAnyTime || processes.ReadUptime() is not { } now)
        {
            return true;
        }

        if (_nextAt.TryGetValue(pid, out var next) && now < next)
        {
            return false;
        }

        var waiting = _nextAt.Values.Count(other => now < other);
        _nextAt[pid] = now + ((1 + waiting) * threads / (double)Bounds.ChangedThreadsPerSecond);
        return true;
    }

    /// <summary>Forgets those that are no VMs any more.</summary>
    public void Keep(IReadOnlySet<int> pids)
    {
        foreach (var pid in _nextAt.Keys.Where(pid => !pids.Contains(pid)).ToList())
        {
            _nextAt.Remove(pid);
        }
    }

    /// <summary>So many threads are read.</summary>
    public void Take(long threads) => _left -= threads;
}
