using System.Collections.Immutable;

namespace PinAgent.NativeInterop.Bpf.Witness;

/// <summary>What the kernel has seen of a VM's vCPUs. Times are nanoseconds, of CLOCK_MONOTONIC.</summary>
/// <param name="Begin">When it began to look.</param>
/// <param name="End">When it ended.</param>
/// <param name="EndTime">That by the calendar.</param>
/// <param name="Vcpus">In the order in which they were asked for.</param>
/// <param name="Stretches">Who else ran on their CPUs.</param>
/// <param name="Interrupts">What their CPUs did for devices.</param>
/// <param name="Events">How often the programs ran, on all CPUs.</param>
/// <param name="Cost">How long that took, as far as a few of these runs tell.</param>
public sealed record WitnessReading(
    ulong Begin,
    ulong End,
    DateTimeOffset EndTime,
    ImmutableArray<WitnessedVcpu> Vcpus,
    ImmutableArray<WitnessedStretches> Stretches,
    ImmutableArray<WitnessedInterrupts> Interrupts,
    ulong Events,
    ulong Cost
);

/// <summary>A vCPU's waits.</summary>
/// <param name="Woken">From being woken to running.</param>
/// <param name="Preempted">From losing the CPU to running again.</param>
/// <param name="Unseen">How often it ran again without having been seen to be woken.</param>
/// <param name="Worst">The longest, in no order; one that goes on isn't there.</param>
/// <param name="Open">The one that goes on; null if there's none.</param>
public sealed record WitnessedVcpu(
    int Tid,
    WitnessedLatency Woken,
    WitnessedLatency Preempted,
    ulong Unseen,
    ImmutableArray<WitnessedGap> Worst,
    WitnessedGap? Open
);

/// <summary>How long waits were.</summary>
/// <param name="Classes">
/// How many by their length: 0 to 3 ns, and then four for each power of two, of a quarter of it each.
/// </param>
public sealed record WitnessedLatency(
    ulong Count,
    ulong Total,
    ulong Longest,
    ImmutableArray<ulong> Classes
);

/// <summary>A wait.</summary>
/// <param name="Cpu">Where it ran again, or would have.</param>
/// <param name="By">Who had the CPU for the longest stretch of it; null if nobody was seen there.</param>
/// <param name="Held">For how long; zero where that isn't known.</param>
public sealed record WitnessedGap(
    ulong Begin,
    ulong Length,
    WaitCause Cause,
    int Cpu,
    WitnessedRunner? By,
    ulong Held
);

/// <summary>What a thread waits after.</summary>
public enum WaitCause
{
    /// <summary>Nothing: it sleeps or runs.</summary>
    None = 0,

    /// <summary>It was woken.</summary>
    Woken = 1,

    /// <summary>Another thread took its CPU.</summary>
    Preempted = 2,
}

/// <summary>A thread that runs.</summary>
/// <param name="Name">The thread's own, whatever its owner wrote there.</param>
public sealed record WitnessedRunner(int Pid, int Tid, bool IsKernel, string Name);

/// <summary>How long a process ran on a CPU.</summary>
/// <param name="By">The thread of the longest stretch.</param>
/// <param name="Held">For how long the CPU's vCPU waited meanwhile.</param>
/// <param name="IsRest">Whether it's of all those that are too many to be known one by one.</param>
public sealed record WitnessedStretches(
    int Cpu,
    WitnessedRunner By,
    ulong Count,
    ulong Total,
    ulong Longest,
    ulong Held,
    bool IsRest
);

/// <summary>How long a CPU served interrupts of a kind.</summary>
/// <param name="IsSoft">Whether it's what the kernel put off until afterwards (softirqs).</param>
/// <param name="LongestNumber">The number of that which took longest.</param>
public sealed record WitnessedInterrupts(
    int Cpu,
    bool IsSoft,
    ulong Count,
    ulong Total,
    ulong Longest,
    int LongestNumber
);
