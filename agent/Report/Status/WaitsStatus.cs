using System.Collections.Immutable;

namespace PinAgent.Report.Status;

/// <summary>What the waits of the vCPUs are of. Only there for whoever asks for a status, not in the events.</summary>
/// <param name="At">When the last sample was taken.</param>
/// <param name="Seconds">The seconds up to then that <see cref="VcpuWait.Minute"/> is of: 60, or less right after the start.</param>
internal sealed record WaitsStatus(DateTimeOffset At, int Seconds)
{
    /// <summary>Who was seen running on CPUs for which vCPUs waited in the last minute, the busiest first; looked for only then.</summary>
    public ImmutableArray<RanStatus> Ran
    {
        // An agent of an earlier version says nothing of it.
        get => field.IsDefault ? [] : field;
        init;
    } = [];
}

/// <summary>A process that ran on a CPU for which a vCPU waited.</summary>
/// <param name="Cpu">The CPU.</param>
/// <param name="Pid">The process.</param>
/// <param name="Name">Its name; of a QEMU its VM's, with the namespace.</param>
/// <param name="Share">The share of a second that it ran there; from 0 to 1.</param>
internal sealed record RanStatus(int Cpu, int Pid, string Name, double Share);

/// <summary>When a VM was last slow: a vCPU waited for its CPU for longer than a VM has to.</summary>
/// <param name="From">When the vCPU began to wait.</param>
/// <param name="Until">Null while it is.</param>
/// <param name="What">The sentence, with who ran or may have run there.</param>
internal sealed record SlowStatus(DateTimeOffset From, DateTimeOffset? Until, string What);

/// <summary>Which share of the time a vCPU could have run and waited for its CPU, while something else ran there.</summary>
/// <param name="Share">Of the last sample, five seconds or more where there are many vCPUs; from 0 to 1.</param>
/// <param name="Minute">Of the last minute.</param>
internal sealed record VcpuWait(double Share, double Minute);
