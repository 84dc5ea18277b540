using PinAgent.Model.Cpu;

namespace PinAgent.Apply.AtOnce;

/// <summary>
/// What was pinned between two passes. Adding allocates nothing once it has been full: it's done by threads that nothing may
/// delay. Used under its owner's lock.
/// </summary>
internal sealed class PinsDone(TimeProvider time)
{
    /// <summary>How many are told of from one pass to the next.</summary>
    public const int Most = 4096;

    private readonly Slot[] _slots = new Slot[Most];
    private int _count;

    /// <summary>Whether there is any.</summary>
    public bool IsEmpty => _count == 0;

    /// <summary>Adds one; what is too much isn't told.</summary>
    /// <param name="from">The mask that the thread had.</param>
    public void Add(int tid, int pid, ulong[] from)
    {
        if (_count == Most)
        {
            return;
        }

        ref var slot = ref _slots[_count++];
        (slot.Tid, slot.Pid, slot.At) = (tid, pid, time.GetElapsedTime(0));
        if (slot.From?.Length != from.Length)
        {
            slot.From = new ulong[from.Length];
        }

        from.CopyTo(slot.From, 0);
    }

    /// <summary>What there is; then there is nothing.</summary>
    public IReadOnlyList<PinnedAtOnce> Take()
    {
        if (_count == 0)
        {
            return [];
        }

        var done = new PinnedAtOnce[_count];
        for (var i = 0; i < done.Length; i++)
        {
            ref var slot = ref _slots[i];
            done[i] = new(slot.Tid, slot.Pid, CpuSet.FromMask(slot.From), slot.At);
        }

        _count = 0;
        return done;
    }

    // Used again and again.
    private record struct Slot(int Tid, int Pid, ulong[] From, TimeSpan At);
}

/// <summary>A thread that was pinned at once.</summary>
/// <param name="From">The CPUs that it might run on before.</param>
/// <param name="At">When it was done, by CLOCK_MONOTONIC.</param>
internal readonly record struct PinnedAtOnce(int Tid, int Pid, CpuSet From, TimeSpan At);
