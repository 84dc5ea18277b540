namespace PinAgent.Model.Vm;

/// <summary>By which rules the kernel gives CPUs to a thread. The numbers are the kernel's (linux/sched.h).</summary>
public enum SchedulingPolicy
{
    /// <summary>The usual one.</summary>
    Other = 0,

    /// <summary>Real time: runs until it waits, or something more urgent comes.</summary>
    Fifo = 1,

    /// <summary>Real time, in turns with those of the same priority.</summary>
    RoundRobin = 2,

    /// <summary>As the usual one, for long computations.</summary>
    Batch = 3,

    /// <summary>Only when nothing else wants the CPU.</summary>
    Idle = 5,

    /// <summary>Real time by deadlines, before all others.</summary>
    Deadline = 6,
}

/// <summary>How urgently a thread gets a CPU.</summary>
/// <param name="Priority">1 to 99 with <see cref="SchedulingPolicy.Fifo"/> and <see cref="SchedulingPolicy.RoundRobin"/>, otherwise 0.</param>
internal readonly record struct ThreadScheduling(SchedulingPolicy Policy, int Priority)
{
    /// <summary>Whether it's real time and at least as urgent as FIFO with this priority.</summary>
    public bool IsAtLeastFifo(int priority) =>
        Policy == SchedulingPolicy.Deadline
        || (Policy is SchedulingPolicy.Fifo or SchedulingPolicy.RoundRobin && Priority >= priority);

    /// <summary>As <c>chrt</c> writes it: <c>FIFO 1</c>, <c>OTHER</c>.</summary>
    public override string ToString()
    {
        var policy = Policy switch
        {
            SchedulingPolicy.Other => "OTHER",
            SchedulingPolicy.Fifo => "FIFO",
            SchedulingPolicy.RoundRobin => "RR",
            SchedulingPolicy.Batch => "BATCH",
            SchedulingPolicy.Idle => "IDLE",
            SchedulingPolicy.Deadline => "DEADLINE",
            _ => $"policy {(int)Policy}",
        };
        return Priority == 0 ? policy : $"{policy} {Priority}";
    }
}
