using System.Collections.Immutable;
using PinAgent.Model.Cpu;
using PinAgent.Model.Vm;

namespace PinAgent.Plan.Contests;

/// <summary>
/// Tells a manager's placement from drift in a VM's first seconds. Where it has no cgroups to write, as libvirt in a pod hasn't,
/// a manager sets the masks of a guest that it starts one after another, and the agent may have set its own before. What it
/// comes to is held, at once and without a contest; meanwhile nothing of it is undone. Pure.
/// </summary>
internal static class ManagerAtWork
{
    /// <summary>How long a manager may take from one mask to the next. What stands for longer was set by somebody else.</summary>
    public static readonly TimeSpan Pause = TimeSpan.FromSeconds(1);

    /// <summary>That it's waited for.</summary>
    public static readonly Standing Waiting = new(
        VmState.Waiting,
        Reason.VcpuThreadsStarting,
        "QEMU has just started, and another program is placing its vCPUs: waiting for what it comes to"
    );

    /// <summary>When the next VM's first seconds are over, since the machine's boot.</summary>
    public static TimeSpan NextEnd(ImmutableArray<VmPlan> vms, TimeSpan now)
    {
        var next = TimeSpan.MaxValue;
        foreach (var vm in vms)
        {
            var end = VmBeginning.Ends(vm.Vm.Key);
            next = now < end && end < next ? end : next;
        }

        return next;
    }

    /// <summary>Whether a manager may still be at work: once it has made cgroups for threads, these tell what it wants.</summary>
    /// <param name="now">The time since the machine's boot.</param>
    public static bool MayBe(ObservedVm vm, TimeSpan now) =>
        VmBeginning.IsOf(vm.Key, now)
        && !vm.Threads.Any(thread => !thread.IsKernelProcess && thread.OwnCpuset is not null);

    /// <summary>
    /// Looks at a VM that has had no placement yet, of whose vCPUs some are on a CPU each where the agent wouldn't have put them:
    /// a manager has. What it has come to would have been taken for the VM's placement, so it isn't done yet.
    /// </summary>
    /// <param name="plan">What would be done.</param>
    /// <param name="now">The time since the machine's boot.</param>
    /// <returns>What is remembered of it while the manager goes on; null where this isn't its work.</returns>
    public static Contest? LookAtFirst(VmPlan plan, Contest before, TimeSpan now)
    {
        var emulator = plan.Vm.Emulator?.Affinity;
        var vcpus = plan
            .Threads.Where(thread => thread.Thread.Role == ThreadRole.Vcpu)
            .ToImmutableArray();
        if (
            !MayBe(plan.Vm, now)
            || !vcpus.Any(vcpu => vcpu.HasStrayMask && IsPin(vcpu.Thread.Affinity!, emulator))
        )
        {
            return null;
        }

        var placing = Next(
            before,
            vcpus.ToImmutableDictionary(
                vcpu => ThreadKey.Of(vcpu.Thread),
                vcpu => vcpu.Thread.Affinity ?? CpuSet.Empty
            ),
            now
        );
        return now - placing.Since >= Pause ? null : before with { Placing = placing };
    }

    /// <summary>Looks at a VM that has had its placement before.</summary>
    /// <param name="plan">What is to be done by it, with the threads marked that are new.</param>
    /// <param name="before">What is remembered of the VM.</param>
    /// <param name="findTheirs">
    /// What would be to be done by the placement that the threads have now; null if they have none that would do.
    /// </param>
    /// <param name="now">The time since the machine's boot.</param>
    /// <returns>Null where this isn't a manager's work.</returns>
    public static (VmPlan Plan, Contest Next)? Look(
        VmPlan plan,
        Contest before,
        Func<VmPlan?> findTheirs,
        TimeSpan now
    )
    {
        var emulator = plan.Vm.Emulator?.Affinity;
        var set = plan
            .Threads.Where(IsSet)
            .ToImmutableDictionary(
                thread => ThreadKey.Of(thread.Thread),
                thread => thread.Thread.Affinity!
            );
        if (set.IsEmpty || !plan.Threads.Where(IsSet).All(IsPlaced))
        {
            return null;
        }

        if (findTheirs() is { } theirs && !theirs.Threads.Any(IsSetVcpu))
        {
            var message =
                "its manager has placed it otherwise as it began, and that is held: "
                + string.Join(
                    ", ",
                    plan.Threads.Where(IsSetVcpu)
                        .Select(thread => $"{thread.Thread.Name} on {thread.Thread.Affinity}")
                );
            return (theirs with { Adopted = message }, Contest.None);
        }

        var placing = Next(before, set, now);
        return now - placing.Since >= Pause
            ? null
            : (
                plan with
                {
                    Threads = [.. plan.Threads.Select(LeaveIfSet)],
                },
                before with
                {
                    Placing = placing,
                }
            );

        static bool IsSet(PlannedThread thread) =>
            thread is { HasStrayMask: true, IsNew: false }
            && thread.Thread.Role is ThreadRole.Vcpu or ThreadRole.IoThread or ThreadRole.Emulator;

        static bool IsSetVcpu(PlannedThread thread) =>
            IsSet(thread) && thread.Thread.Role != ThreadRole.Emulator;

        bool IsPlaced(PlannedThread thread) =>
            thread.Thread is not { Role: ThreadRole.Vcpu, Affinity: { } mask }
            || IsPin(mask, emulator);

        static PlannedThread LeaveIfSet(PlannedThread thread) =>
            IsSet(thread)
                ? thread with
                {
                    Wanted = thread.Thread.Affinity,
                    Rule = "set by another program as the VM began: waiting for what it comes to",
                }
                : thread;
    }

    // A vCPU that has the emulator's CPU, or many, isn't where a manager has put it.
    private static bool IsPin(CpuSet mask, CpuSet? emulator) =>
        mask.Count == 1 && !mask.Equals(emulator);

    private static Placing Next(
        Contest before,
        ImmutableDictionary<ThreadKey, CpuSet> masks,
        TimeSpan now
    ) => before.Placing is { } last && IsSame(last.Masks, masks) ? last : new(now, masks);

    private static bool IsSame(
        ImmutableDictionary<ThreadKey, CpuSet> one,
        ImmutableDictionary<ThreadKey, CpuSet> other
    ) =>
        one.Count == other.Count
        && one.All(mask => mask.Value.Equals(other.GetValueOrDefault(mask.Key)));
}

/// <summary>Masks that another program has set on threads of a VM that has just begun.</summary>
/// <param name="Since">Since when they are like that, by the clock that counts from the machine's boot.</param>
internal sealed record Placing(TimeSpan Since, ImmutableDictionary<ThreadKey, CpuSet> Masks);
