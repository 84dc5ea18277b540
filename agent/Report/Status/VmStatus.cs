using System.Collections.Immutable;
using System.Text.Json.Serialization;
using PinAgent.Apply;
using PinAgent.Model.Cpu;
using PinAgent.Model.Vm;

namespace PinAgent.Report.Status;

/// <summary>One VM.</summary>
internal sealed record VmStatus
{
    /// <summary>The namespace; <c>host</c> outside a cluster.</summary>
    public required string Namespace { get; init; }

    /// <summary>The name.</summary>
    public required string Name { get; init; }

    /// <summary>The pod; null outside pods.</summary>
    public required string? PodUid { get; init; }

    /// <summary>The container; null outside pods.</summary>
    public required string? ContainerId { get; init; }

    /// <summary>QEMU's process id.</summary>
    public required int Pid { get; init; }

    /// <summary>Where the facts come from.</summary>
    public required FactSource Source { get; init; }

    /// <summary>Whether the VM asks for dedicated CPUs.</summary>
    public required bool Dedicated { get; init; }

    /// <summary>Whether an administrator has taken it from the agent, with <c>pinagent release</c>.</summary>
    public bool Released { get; init; }

    /// <summary>How it stands.</summary>
    public required VmState State { get; init; }

    /// <summary>Why; null when it's pinned.</summary>
    public required Reason? Reason { get; init; }

    /// <summary>The sentence; null when it's pinned.</summary>
    public required string? Message { get; init; }

    /// <summary>What an administrator can do about the reason; null when it's pinned.</summary>
    public string? Action => Reason is { } reason ? ReasonActions.Of(reason) : null;

    /// <summary>What an administrator should know though it doesn't prevent pinning.</summary>
    public required ImmutableArray<string> Advisories { get; init; }

    /// <summary>The CPUs that are the VM's: its container's, or on a plain host those it was given; null if that can't be read.</summary>
    public required CpuSet? Cpuset { get; init; }

    /// <summary>Whose word it is that these are its; null if that can't be told.</summary>
    public CpuSource? CpusetSource { get; init; }

    /// <summary>When it was last slow; only there for whoever asks, and if it was.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public SlowStatus? Slow { get; init; }

    /// <summary>The guest's CPUs.</summary>
    public required GuestStatus Guest { get; init; }

    /// <summary>The threads.</summary>
    public required ImmutableArray<ThreadStatus> Threads { get; init; }
}

/// <summary>The guest's CPUs.</summary>
/// <param name="Sockets">Sockets.</param>
/// <param name="Cores">Cores per socket.</param>
/// <param name="Threads">Threads per core.</param>
/// <param name="IsolateEmulatorThread">Whether QEMU's own threads have a CPU to themselves.</param>
internal sealed record GuestStatus(int Sockets, int Cores, int Threads, bool IsolateEmulatorThread);

/// <summary>One thread.</summary>
/// <param name="Tid">The thread's id.</param>
/// <param name="Role">What it does.</param>
/// <param name="Index">The vCPU's or I/O thread's number; null for others.</param>
/// <param name="Comm">The thread's name.</param>
/// <param name="Wanted">The CPUs it belongs on; null when nothing is wanted of it.</param>
/// <param name="Actual">The CPUs it may run on; null when it's gone.</param>
/// <param name="Outcome">What this pass did; null when nothing was wanted.</param>
/// <param name="Rule">Which rule put it there, in words; null when nothing is wanted of it.</param>
internal sealed record ThreadStatus(
    int Tid,
    ThreadRole Role,
    int? Index,
    string Comm,
    CpuSet? Wanted,
    CpuSet? Actual,
    Outcome? Outcome,
    string? Rule = null
)
{
    /// <summary>
    /// How long the thread has waited on a run queue while something else ran, in nanoseconds since its start. Only there
    /// for whoever asks for a status, not in the events; null if the kernel doesn't tell.
    /// </summary>
    public ulong? RunDelayNanoseconds { get; init; }

    /// <summary>The share of the time that a vCPU waited; only there for whoever asks, and where it's known.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public VcpuWait? Wait { get; init; }

    /// <summary>Its real-time priority; only there where the VM asks for one.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public RealtimeStatus? Realtime { get; init; }
}

/// <summary>The real-time priority of a thread, in the words of <c>chrt</c>.</summary>
/// <param name="Wanted">What it should have: <c>FIFO 1</c>.</param>
/// <param name="Actual">What it has: <c>OTHER</c>, <c>FIFO 1</c>; null when it's gone.</param>
/// <param name="Outcome">What this pass did.</param>
internal sealed record RealtimeStatus(string Wanted, string? Actual, Outcome Outcome)
{
    /// <summary>The priority in words, and why it isn't the wanted one.</summary>
    internal string Describe() =>
        Outcome is Outcome.Applied or Outcome.AlreadyRight
            ? Wanted
            : $"{Actual ?? "gone"}, not {Wanted}: {Outcome}";

    /// <summary>What came of a thread's priority; null when none was wanted.</summary>
    internal static RealtimeStatus? Of(PinOutcome thread) =>
        thread.Scheduling is { } scheduling
            ? new RealtimeStatus(
                $"{thread.Planned.Scheduling}",
                scheduling.Actual?.ToString(),
                scheduling.Outcome
            )
            : null;
}
