using System.Collections.Immutable;

namespace PinAgent.Report.Proof;

/// <summary>What the kernel saw of a VM's vCPUs, and what it cost to look. All times are seconds.</summary>
/// <param name="Seconds">How long it looked.</param>
/// <param name="CostSeconds">How long its programs took, on all CPUs.</param>
/// <param name="CostShare">That, of the time of one CPU.</param>
/// <param name="Events">How often they ran.</param>
/// <param name="Limit">The longest wait allowed; null if none was given.</param>
/// <param name="Exceeded">Whether a vCPU waited longer; null without a limit.</param>
/// <param name="Vcpus">How long each waited.</param>
/// <param name="Cpus">What else ran on their CPUs.</param>
/// <param name="Worst">The longest waits of all, the longest first.</param>
internal sealed record WitnessStatus(
    double Seconds,
    double CostSeconds,
    double CostShare,
    long Events,
    double? Limit,
    bool? Exceeded,
    ImmutableArray<VcpuWaits> Vcpus,
    ImmutableArray<CpuUse> Cpus,
    ImmutableArray<WorstWait> Worst
);

/// <summary>How long a vCPU waited.</summary>
/// <param name="Woken">From being woken to running.</param>
/// <param name="Preempted">From losing its CPU to running again.</param>
/// <param name="Unseen">How often it ran again without having been seen to be woken.</param>
internal sealed record VcpuWaits(
    int Index,
    int Tid,
    int? Cpu,
    WaitFigures Woken,
    WaitFigures Preempted,
    long Unseen
);

/// <summary>How long waits were: percentiles a quarter too long at most, the longest as it was.</summary>
internal sealed record WaitFigures(
    long Count,
    double Total,
    double P50,
    double P99,
    double P999,
    double Max
);

/// <summary>What else ran on a vCPU's CPU.</summary>
/// <param name="Ran">Processes and threads of the kernel, the one that held the vCPU up longest first.</param>
/// <param name="Interrupts">What devices' interrupts took.</param>
/// <param name="SoftInterrupts">What the kernel put off until after them, or until after a timer (softirqs).</param>
internal sealed record CpuUse(
    int Cpu,
    ImmutableArray<CpuUser> Ran,
    InterruptUse Interrupts,
    InterruptUse SoftInterrupts
);

/// <summary>Who ran on a vCPU's CPU.</summary>
/// <param name="Kind"><c>process</c>, <c>kernel</c>, <c>vm</c> for the VM's own process, <c>rest</c> for those too many to be known.</param>
/// <param name="Tid">The thread of the longest stretch, whose name is <paramref name="Comm"/>.</param>
/// <param name="Times">How often it ran.</param>
/// <param name="Ran">For how long in all.</param>
/// <param name="Longest">For how long at the longest stretch.</param>
/// <param name="HeldUp">For how much of all the vCPU waited.</param>
internal sealed record CpuUser(
    string Kind,
    int Pid,
    int Tid,
    string Comm,
    long Times,
    double Ran,
    double Longest,
    double HeldUp
);

/// <summary>What interrupts took.</summary>
/// <param name="LongestOf">Which was the longest: of devices <c>irq 24</c>, of softirqs their name; null if there was none.</param>
internal sealed record InterruptUse(long Times, double Ran, double Longest, string? LongestOf);

/// <summary>One wait.</summary>
/// <param name="At">When it began.</param>
/// <param name="After"><c>wake-up</c> or <c>preemption</c>.</param>
/// <param name="IsOver">False if it went on when it was measured no longer.</param>
/// <param name="By">Who had the CPU for the longest stretch of it; null if nobody was seen there.</param>
internal sealed record WorstWait(
    DateTimeOffset At,
    double Seconds,
    int Vcpu,
    int? Cpu,
    string After,
    bool IsOver,
    WaitedFor? By
);

/// <summary>Who had a vCPU's CPU while it waited.</summary>
/// <param name="Seconds">For how long at a stretch; null where that isn't known.</param>
internal sealed record WaitedFor(string Kind, int Pid, int Tid, string Comm, double? Seconds);
