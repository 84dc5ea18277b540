namespace PinAgent.Model.Node;

/// <summary>What the kernel has counted of the machine's threads and CPUs up to one moment.</summary>
/// <param name="Threads">Every thread, by its id.</param>
/// <param name="BusySeconds">By CPU, how long it has run anything.</param>
/// <param name="Interrupts">By CPU, how many interrupts it has served.</param>
/// <param name="Throttled">How often, and how long, the VM's container was held back; null where that isn't counted.</param>
internal sealed record ProofSample(
    IReadOnlyDictionary<int, ThreadTimes> Threads,
    IReadOnlyDictionary<int, double> BusySeconds,
    IReadOnlyDictionary<int, long> Interrupts,
    (long Periods, double Seconds)? Throttled
)
{
    /// <summary>When the VM's threads and the CPUs began to be read; on a clock that is the same for all samples.</summary>
    public TimeSpan Began { get; init; }

    /// <summary>When that was done.</summary>
    public TimeSpan Ended { get; init; }
}

/// <summary>What the kernel has counted of a thread.</summary>
/// <param name="StartTime">When the thread started: with its id it names it for good.</param>
/// <param name="Pid">Its process.</param>
/// <param name="Comm">Its name.</param>
/// <param name="Cpu">The CPU it ran on last.</param>
/// <param name="RunSeconds">How long it has run.</param>
/// <param name="WaitSeconds">How long it has waited on a run queue.</param>
internal sealed record ThreadTimes(
    ulong StartTime,
    int Pid,
    string Comm,
    int Cpu,
    double RunSeconds,
    double WaitSeconds
)
{
    /// <summary>How often another thread took its CPU; null where it isn't asked, or not counted.</summary>
    public long? InvoluntarySwitches { get; init; }

    /// <summary>How often it changed its CPU; null where it isn't asked, or not counted (CONFIG_SCHED_DEBUG).</summary>
    public long? Migrations { get; init; }
}
