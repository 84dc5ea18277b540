using System.Collections.Immutable;
using System.Text.Json.Serialization;
using PinAgent.Model.Vm;

namespace PinAgent.Model.Changes;

/// <summary>One thing that happened to a VM: masks that the agent changed, or a state that became another.</summary>
internal sealed record RecordedChange
{
    /// <summary>The version of this record; a reader passes over others.</summary>
    public const int CurrentVersion = 1;

    /// <summary>The version of this record.</summary>
    public int Version { get; init; } = CurrentVersion;

    /// <summary>When the agent was done with it.</summary>
    public required DateTimeOffset At { get; init; }

    /// <summary>The VM's namespace.</summary>
    public required string Namespace { get; init; }

    /// <summary>The VM's name.</summary>
    public required string Name { get; init; }

    /// <summary>QEMU's process id.</summary>
    public required int Pid { get; init; }

    /// <summary>Why it happened, as far as it can be seen.</summary>
    public required ChangeCause Cause { get; init; }

    /// <summary>The state after it.</summary>
    public required VmState State { get; init; }

    /// <summary>The reason for that state; null when it's pinned.</summary>
    public Reason? Reason { get; init; }

    /// <summary>The sentence for that state, or of what was adopted; null when it's pinned otherwise.</summary>
    public string? Message { get; init; }

    /// <summary>The VM's CPUs before, where they are others now.</summary>
    public string? CpusetBefore { get; init; }

    /// <summary>The VM's CPUs now.</summary>
    public string? Cpuset { get; init; }

    /// <summary>The threads whose masks were changed.</summary>
    public ImmutableArray<RecordedThread> Threads { get; init; } = [];

    /// <summary>
    /// For how many seconds the VM may have been off its CPUs: since the last look that found it right. Null where it never
    /// was.
    /// </summary>
    public double? UnpinnedSecondsAtMost { get; init; }
}

/// <summary>A thread whose mask or priority was changed.</summary>
/// <param name="Tid">The thread's id.</param>
/// <param name="Role">What it does.</param>
/// <param name="Index">The vCPU's or I/O thread's number; null for others.</param>
/// <param name="From">The CPUs it might run on before; null where the mask wasn't changed.</param>
/// <param name="To">The CPUs it may run on now; null likewise.</param>
internal sealed record RecordedThread(
    int Tid,
    ThreadRole Role,
    int? Index,
    string? From,
    string? To
)
{
    /// <summary>The priority it had before, where that was changed: <c>OTHER</c>.</summary>
    public string? PriorityFrom { get; init; }

    /// <summary>The priority it has now, where that was changed: <c>FIFO 1</c>.</summary>
    public string? PriorityTo { get; init; }
}

/// <summary>Why something happened to a VM, as far as it can be seen from before and after.</summary>
internal enum ChangeCause
{
    /// <summary>The agent met the VM for the first time.</summary>
    Met,

    /// <summary>What kept the VM from being pinned is gone: a state, or the audit mode.</summary>
    Begun,

    /// <summary>The VM's cpuset is another than before.</summary>
    CpusetChanged,

    /// <summary>CPUs of the node went offline or came back.</summary>
    OnlineCpusChanged,

    /// <summary>Threads were moved to another cgroup.</summary>
    ThreadsMoved,

    /// <summary>Threads had all CPUs of their cgroup again.</summary>
    MasksReset,

    /// <summary>Threads had other CPUs, not all of their cgroup's.</summary>
    MasksSet,

    /// <summary>Threads had lost their real-time priority.</summary>
    PrioritiesSet,

    /// <summary>Another program kept setting a placement as good, and that one is held since.</summary>
    Adopted,

    /// <summary>Another program undoes the pins each time: its threads are left alone for a while.</summary>
    GaveWay,

    /// <summary>Threads came into being with the CPUs of those that made them.</summary>
    NewThreads,

    /// <summary>The VM's state became another, and no mask was changed.</summary>
    StateChanged,

    /// <summary>The VM ended.</summary>
    Ended,
}

/// <summary>What is written and read.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    UseStringEnumConverter = true,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull
)]
[JsonSerializable(typeof(RecordedChange))]
[JsonSerializable(typeof(ImmutableArray<RecordedChange>))]
internal sealed partial class HistoryJson : JsonSerializerContext;
