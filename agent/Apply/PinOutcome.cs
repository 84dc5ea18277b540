using System.Collections.Immutable;
using PinAgent.Model.Cpu;
using PinAgent.Model.Vm;
using PinAgent.NativeInterop;
using PinAgent.Plan;

namespace PinAgent.Apply;

/// <summary>What came of one thread's wanted CPUs.</summary>
internal enum Outcome
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

    /// <summary>Another program keeps setting the mask; nothing was written for now.</summary>
    Contested,

    /// <summary>Another program set the mask since it was read, as the VM began; nothing was written, the next pass looks.</summary>
    SetMeanwhile,
}

/// <summary>One thread after applying.</summary>
/// <param name="Outcome">What came of it; null when nothing was wanted.</param>
/// <param name="Actual">The CPUs it may run on now; null when it's gone.</param>
internal sealed record PinOutcome(PlannedThread Planned, Outcome? Outcome, CpuSet? Actual)
{
    /// <summary>Why the kernel refused, where it did.</summary>
    public Errno Error { get; init; }

    /// <summary>What came of its priority; null when none was wanted.</summary>
    public SchedulingOutcome? Scheduling { get; init; }

    /// <summary>Whether this pass changed the thread's mask.</summary>
    public bool IsMaskChange => Outcome is Apply.Outcome.Applied or Apply.Outcome.Narrowed;

    /// <summary>Whether this pass changed the thread's priority.</summary>
    public bool IsSchedulingChange => Scheduling?.Outcome == Apply.Outcome.Applied;

    /// <summary>Whether this pass changed the thread.</summary>
    public bool IsChange => IsMaskChange || IsSchedulingChange;

    /// <summary>Whether another pass would come to the same, as long as nobody changes anything.</summary>
    public bool IsAtRest =>
        (Outcome is null || IsSettled(Outcome.Value) || Planned.IsConfined)
        && (Scheduling is null || IsSettled(Scheduling.Outcome));

    /// <summary>The thread as the next look would find it.</summary>
    public VmThread Found =>
        Planned.Thread with
        {
            Affinity = Actual,
            Scheduling = Scheduling?.Actual ?? Planned.Thread.Scheduling,
        };

    /// <summary>What came of it altogether, where something was done shortly before: what was found then is what there was.</summary>
    internal PinOutcome After(PinOutcome first) =>
        this with
        {
            Planned = Planned with { Thread = first.Planned.Thread, IsNew = first.Planned.IsNew },
            Outcome =
                Outcome == Apply.Outcome.AlreadyRight && first.IsMaskChange
                    ? first.Outcome
                    : Outcome,
            Scheduling =
                Scheduling?.Outcome == Apply.Outcome.AlreadyRight && first.IsSchedulingChange
                    ? first.Scheduling
                    : Scheduling,
        };

    /// <summary>The same, of a thread that was put there just before the pass looked.</summary>
    /// <param name="from">The CPUs that it had then.</param>
    internal PinOutcome AsDoneAtOnce(CpuSet from) =>
        Outcome != Apply.Outcome.AlreadyRight
            ? this
            : this with
            {
                Planned = Planned with { Thread = Planned.Thread with { Affinity = from } },
                Outcome = Apply.Outcome.Applied,
            };

    /// <summary>The change in words: <c>vcpu 0 (4715) from 2-3 to 2</c>, <c>… from OTHER to FIFO 1</c>, or both.</summary>
    internal string DescribeChange() =>
        DescribeChange(
            Planned.Thread.Name,
            IsMaskChange ? $"from {Planned.Thread.Affinity} to {Actual}" : null,
            IsSchedulingChange ? $"from {Planned.Thread.Scheduling} to {Scheduling?.Actual}" : null
        );

    private static bool IsSettled(Outcome outcome) =>
        outcome is Apply.Outcome.AlreadyRight or Apply.Outcome.Planned or Apply.Outcome.Ambiguous;

    /// <summary>A change in words, from its parts.</summary>
    internal static string DescribeChange(string thread, string? mask, string? scheduling) =>
        $"{thread} {string.Join(" and ", new[] { mask, scheduling }.OfType<string>())}";
}

/// <summary>What came of the priority wanted of a thread.</summary>
/// <param name="Outcome">What came of it: the same words as of masks.</param>
/// <param name="Actual">What it has now; null when it's gone, or that couldn't be read.</param>
/// <param name="Error">Why the kernel refused, where it did.</param>
internal sealed record SchedulingOutcome(
    Outcome Outcome,
    ThreadScheduling? Actual,
    Errno Error = Errno.None
);

/// <summary>One VM after applying.</summary>
/// <param name="Threads">What came of it, in the plan's order.</param>
internal sealed record VmOutcome(VmPlan Plan, ImmutableArray<PinOutcome> Threads)
{
    /// <summary>Whether another pass would come to the same, as long as nobody changes anything.</summary>
    public bool IsAtRest => Threads.All(thread => thread.IsAtRest);

    /// <summary>What came of it altogether, where something was done shortly before.</summary>
    internal VmOutcome After(VmOutcome first)
    {
        var changed = first
            .Threads.Where(thread => thread.IsChange)
            .ToDictionary(thread => ThreadKey.Of(thread.Planned.Thread));
        return changed.Count == 0
            ? this
            : this with
            {
                Threads =
                [
                    .. Threads.Select(thread =>
                        changed.TryGetValue(ThreadKey.Of(thread.Planned.Thread), out var before)
                            ? thread.After(before)
                            : thread
                    ),
                ],
            };
    }

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
