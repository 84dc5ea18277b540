using System.Collections.Immutable;
using PinAgent.Model;
using PinAgent.NativeInterop;
using PinAgent.Plan;

namespace PinAgent.Apply;

/// <summary>What came of one thread's wanted CPUs.</summary>
public enum Outcome
{
    /// <summary>The mask was set, and reads back as wanted.</summary>
    Applied,

    /// <summary>The mask was as wanted; nothing was written.</summary>
    AlreadyRight,

    /// <summary>The mask was set, and the kernel kept fewer CPUs.</summary>
    Narrowed,

    /// <summary>The thread ended meanwhile, or its id belongs to another by now.</summary>
    ThreadGone,

    /// <summary>The kernel refused, most often for want of CAP_SYS_NICE.</summary>
    Denied,

    /// <summary>Audit mode: the mask would be set.</summary>
    Planned,

    /// <summary>The thread's own cgroup doesn't have the CPUs; nothing was written.</summary>
    Confined,

    /// <summary>It can't be told which VM the thread works for; nothing was written.</summary>
    Ambiguous,
}

/// <summary>One thread after applying.</summary>
/// <param name="Planned">What was wanted.</param>
/// <param name="Outcome">What came of it; null when nothing was wanted.</param>
/// <param name="Actual">The CPUs it may run on now; null when it's gone.</param>
public sealed record PinOutcome(PlannedThread Planned, Outcome? Outcome, CpuSet? Actual)
{
    /// <summary>Why the kernel refused, where it did.</summary>
    public Errno Error { get; init; }

    /// <summary>Whether this pass changed the thread's mask.</summary>
    public bool IsChange => Outcome is Apply.Outcome.Applied or Apply.Outcome.Narrowed;

    /// <summary>Whether another pass would come to the same, as long as nobody changes anything.</summary>
    public bool IsAtRest =>
        Outcome
            is null
                or Apply.Outcome.AlreadyRight
                or Apply.Outcome.Planned
                or Apply.Outcome.Ambiguous
        || Planned.IsConfined;

    /// <summary>The change in words: <c>vcpu 0 (4715) from 2-3 to 2</c>.</summary>
    internal string DescribeChange()
    {
        var thread = Planned.Thread;
        return DescribeChange(
            thread.Role,
            thread.Index,
            thread.Tid,
            thread.Affinity?.ToString(),
            Actual?.ToString()
        );
    }

    /// <summary>A change in words, from its parts.</summary>
    internal static string DescribeChange(
        ThreadRole role,
        int? index,
        int tid,
        string? from,
        string? to
    )
    {
        var who = index is { } number ? $"{role.ToWord()} {number}" : role.ToWord();
        return $"{who} ({tid}) from {from} to {to}";
    }
}

/// <summary>One VM after applying.</summary>
/// <param name="Plan">What was to be done.</param>
/// <param name="Threads">What came of it, in the plan's order.</param>
public sealed record VmOutcome(VmPlan Plan, ImmutableArray<PinOutcome> Threads)
{
    /// <summary>Whether another pass would come to the same, as long as nobody changes anything.</summary>
    public bool IsAtRest => Threads.All(thread => thread.IsAtRest);

    /// <summary>What this pass changed, in words; empty if it changed nothing.</summary>
    public string DescribeChanges() =>
        string.Join(
            ", ",
            Threads
                .Where(thread => thread.IsChange)
                .OrderBy(thread => thread.Planned.Thread.Role)
                .Select(thread => thread.DescribeChange())
        );
}
