using System.Collections.Immutable;
using PinAgent.Model.Vm;

namespace PinAgent.Plan.Contests;

/// <summary>
/// Keeps the agent from fighting another program over masks. A thread that is set elsewhere again and again is, once the
/// agent has put it back <see cref="Contest.Patience"/> times, either left where it is for good, because what the other
/// sets is a placement too, or left alone for a while. Pure.
/// </summary>
internal static class FlappingGuard
{
    /// <summary>Looks at a VM that has a placement.</summary>
    /// <param name="plan">What is to be done by the placement that is held.</param>
    /// <param name="before">What is remembered of the VM.</param>
    /// <param name="findTheirs">
    /// What would be to be done by the placement that the threads have now; null if they have none that would do.
    /// </param>
    /// <param name="now">The time since the machine's boot.</param>
    public static (VmPlan Plan, Contest Next) Look(
        VmPlan plan,
        Contest before,
        Func<VmPlan?> findTheirs,
        TimeSpan now
    )
    {
        var contest = before.At(now);
        var strays = plan.Threads.Where(thread => thread.IsStray).ToImmutableArray();
        if (strays.IsEmpty)
        {
            return (Advise(plan, contest), contest);
        }

        var isLost = strays.Any(stray => contest.IsLost(ThreadKey.Of(stray.Thread)));
        var isDue = !contest.LeftAlone.IsEmpty && contest.Until <= now;
        if (isLost || isDue)
        {
            var moved = strays.Where(stray => contest.Moved.Contains(ThreadKey.Of(stray.Thread)));
            if (HaveSettled(moved, contest) && findTheirs() is { } theirs && Ends(contest, theirs))
            {
                return Adopt(plan, theirs, strays, contest.WithSeen(strays, now));
            }

            contest = isLost ? contest.GiveWay(now) : contest.TryAgain();
        }

        return (LeaveAlone(Advise(plan, contest), contest), contest.WithSeen(strays, now));
    }

    // Whoever sets something else each time has no placement to adopt.
    private static bool HaveSettled(IEnumerable<PlannedThread> moved, Contest contest) =>
        moved.All(stray =>
            contest.Seen.TryGetValue(ThreadKey.Of(stray.Thread), out var mask)
            && mask.Equals(stray.Thread.Affinity)
        );

    private static bool Ends(Contest contest, VmPlan theirs) =>
        !theirs.Threads.Any(thread =>
            thread.IsStray && contest.Moved.Contains(ThreadKey.Of(thread.Thread))
        );

    private static (VmPlan, Contest) Adopt(
        VmPlan ours,
        VmPlan theirs,
        ImmutableArray<PlannedThread> strays,
        Contest contest
    )
    {
        var message =
            $"another program kept setting {Describe(strays)}: that is a placement as good, so it's held from now on "
            + $"({Writer(ours, strays, contest)})";
        var next = contest with
        {
            PutBack = Contest.None.PutBack,
            LeftAlone = [],
            Adopted = new AdoptedPlacement(theirs.Placement!, message),
        };
        // Fought for, it isn't a matter of the VM's beginning any more.
        theirs = theirs with
        {
            Adopted = message,
            IsBeingPlaced = false,
        };
        return (Advise(theirs, next), next);
    }

    private static VmPlan Advise(VmPlan plan, Contest contest) =>
        contest.Adopted is { } adopted && ReferenceEquals(adopted.Placement, plan.Placement)
            ? plan with
            {
                Advisories = plan.Advisories.Add(adopted.Message),
            }
            : plan;

    private static VmPlan LeaveAlone(VmPlan plan, Contest contest)
    {
        if (contest.LeftAlone.IsEmpty)
        {
            return plan;
        }

        ImmutableArray<PlannedThread> threads =
        [
            .. plan.Threads.Select(thread =>
                thread with
                {
                    IsContested =
                        thread.IsStray && contest.LeftAlone.Contains(ThreadKey.Of(thread.Thread)),
                }
            ),
        ];
        ImmutableArray<PlannedThread> contested = [.. threads.Where(thread => thread.IsContested)];
        return contested.IsEmpty
            ? plan
            : plan with
            {
                Threads = threads,
                Contested =
                    $"another program sets masks again each time they are put back: {Describe(contested)}; left alone for "
                    + $"{contest.Pause.TotalSeconds:0} s, then tried again ({Writer(plan, contested, contest)})",
            };
    }

    private static string Describe(ImmutableArray<PlannedThread> strays) =>
        string.Join(
            ", ",
            strays
                .OrderBy(stray => stray.Thread.Role)
                .Select(stray => $"{stray.Thread.Name} to {Describe(stray)}")
        );

    private static string Describe(PlannedThread stray) =>
        stray.HasStrayMask
            ? $"{stray.Thread.Affinity} instead of {stray.Wanted}"
            : $"{stray.Thread.Scheduling} instead of {stray.Scheduling}";

    // What the kernel has told, or a guess.
    private static string Writer(
        VmPlan plan,
        ImmutableArray<PlannedThread> strays,
        Contest contest
    ) =>
        contest.By is { } by ? $"by {by}"
        : strays.All(stray =>
            Equals(stray.Thread.Affinity, stray.Thread.OwnCpuset ?? plan.Vm.Cpuset)
        )
            ? "likely the kubelet, a container runtime or systemd, writing the cpuset"
        : plan.Vm.IsInPod ? "likely virt-launcher's libvirt, somebody's taskset, or a tuning daemon"
        : "likely libvirt's vcpupin, somebody's taskset, or a tuning daemon";
}
