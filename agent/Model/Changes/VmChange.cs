using System.Collections.Immutable;
using System.Text.Json.Serialization;
using PinAgent.Model.Vm;

namespace PinAgent.Model.Changes;

/// <summary>
/// One thing that happened, to a VM or to the agent itself. It's judged once, and then only put into words: in the log, an
/// event, the history, the counters and the page.
/// </summary>
internal sealed record VmChange
{
    /// <summary>The version of this record; a reader passes over others.</summary>
    public const int CurrentVersion = 2;

    /// <summary>The version of this record.</summary>
    public int Version { get; init; } = CurrentVersion;

    /// <summary>When the agent was done with it; of a wait, when it began or ended.</summary>
    public required DateTimeOffset At { get; init; }

    /// <summary>What happened.</summary>
    public required VmChangeKind Kind { get; init; }

    /// <summary>Why, as far as there is evidence.</summary>
    public required ChangeCause Cause { get; init; }

    /// <summary>The VM's namespace; empty where it's about the agent.</summary>
    public string Namespace { get; init; } = "";

    /// <summary>The VM's name; empty where it's about the agent.</summary>
    public string Name { get; init; } = "";

    /// <summary>QEMU's process id; 0 where it's about the agent.</summary>
    public int Pid { get; init; }

    /// <summary>The state after it; null where it's about the agent.</summary>
    public VmState? State { get; init; }

    /// <summary>The reason for that state; null when it's pinned.</summary>
    public Reason? Reason { get; init; }

    /// <summary>The sentence for that state, of what was adopted, of the violation, or of the wait; null where there is none.</summary>
    public string? Message { get; init; }

    /// <summary>The VM's CPUs before, where they are others now.</summary>
    public string? CpusetBefore { get; init; }

    /// <summary>The VM's CPUs now.</summary>
    public string? Cpuset { get; init; }

    /// <summary>Whose word that is; null where that can't be told.</summary>
    public CpuSource? CpusetSource { get; init; }

    /// <summary>The threads whose masks or priorities were changed.</summary>
    public ImmutableArray<ChangedThread> Threads { get; init; } = [];

    /// <summary>
    /// Who has set what was found, where the kernel has told: <c>taskset (pid 812, user-1000.slice)</c>. Of a wait, who was seen
    /// running there: <c>stress (pid 812, 98 % of CPU 1)</c>. Of a violation, who disturbs, or may.
    /// </summary>
    public string? By { get; init; }

    /// <summary>The name of the program that is said to have set what was found; of several, the first's. Its owner chose it.</summary>
    [JsonIgnore]
    public string? Program { get; init; }

    /// <summary>
    /// For how many seconds the VM may have been off its CPUs: since the last look that found it right. Null where it never
    /// was.
    /// </summary>
    public double? UnpinnedSecondsAtMost { get; init; }

    /// <summary>How many changes of this VM this one stands for, itself included, where it had too many to keep each.</summary>
    public int? Repeated { get; init; }

    /// <summary>Which VM: a process id is used again.</summary>
    [JsonIgnore]
    public VmKey? Key { get; init; }

    /// <summary>Whether the VM asks for dedicated CPUs: others' changes are nobody's history.</summary>
    [JsonIgnore]
    public bool IsDedicated { get; init; } = true;

    /// <summary>
    /// Whether threads weren't where they belonged. New CPUs with which the kernel moved the threads by itself are none.
    /// </summary>
    [JsonIgnore]
    public bool IsDrift =>
        Kind.IsDrift()
        && (Kind is not (VmChangeKind.Moved or VmChangeKind.IsolationLost) || !Threads.IsEmpty);

    /// <summary>Whether it's about the agent and not about a VM.</summary>
    [JsonIgnore]
    public bool IsOfAgent =>
        Kind is VmChangeKind.AgentStarted or VmChangeKind.AgentStopped or VmChangeKind.Crowd;
}

/// <summary>A thread whose mask or priority was changed.</summary>
/// <param name="Index">The vCPU's or I/O thread's number; null for others.</param>
/// <param name="From">The CPUs it might run on before; null where the mask wasn't changed.</param>
/// <param name="To">The CPUs it may run on now; null likewise.</param>
internal sealed record ChangedThread(int Tid, ThreadRole Role, int? Index, string? From, string? To)
{
    /// <summary>The priority it had before, where that was changed: <c>OTHER</c>.</summary>
    public string? PriorityFrom { get; init; }

    /// <summary>The priority it has now, where that was changed: <c>FIFO 1</c>.</summary>
    public string? PriorityTo { get; init; }
}

/// <summary>What is written and read.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    UseStringEnumConverter = true,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull
)]
[JsonSerializable(typeof(VmChange))]
[JsonSerializable(typeof(ImmutableArray<VmChange>))]
internal sealed partial class VmChangeJson : JsonSerializerContext;
