using System.Collections.Immutable;
using PinAgent.Apply;
using PinAgent.Model.Text;
using PinAgent.Model.Vm;
using PinAgent.NativeInterop;
using PinAgent.Plan;
using PinAgent.Plan.Contests;

namespace PinAgent.Report.Status;

/// <summary>The fourth stage: from what was done to what administrators see. Pure.</summary>
internal static class StatusBuilder
{
    /// <summary>
    /// The status of one VM. Its texts are fit for terminals and logs, whatever a VM's owner has called it or its cgroups.
    /// </summary>
    public static VmStatus Build(VmOutcome outcome)
    {
        var plan = outcome.Plan;
        var standing = plan.Obstacle ?? Judge(plan, outcome.Threads);
        return new VmStatus
        {
            Namespace = Words.Shown(plan.Namespace),
            Name = Words.Shown(plan.Name),
            PodUid = plan.Vm.Cgroup?.PodUid,
            ContainerId = plan.Vm.Cgroup?.ContainerId,
            Pid = plan.Vm.Key.Pid,
            Source = plan.Source,
            Dedicated = plan.Dedicated,
            Released = plan.IsReleased,
            State = standing.State,
            Reason = standing.Reason,
            Message = standing.Message is { } message
                ? Words.Shown(message, Words.LongestSentence)
                : null,
            Advisories =
            [
                .. plan.Advisories.Concat(Advise(outcome.Threads)).Select(Words.Printable),
            ],
            Cpuset = plan.Cpuset,
            CpusetSource = plan.Cpus?.Source,
            Guest = new GuestStatus(
                plan.Guest.Sockets,
                plan.Guest.Cores,
                plan.Guest.Threads,
                plan.Placement?.EmulatorIsolated ?? plan.IsolateEmulatorThread
            ),
            Threads =
            [
                .. outcome.Threads.Select(thread => new ThreadStatus(
                    thread.Planned.Thread.Tid,
                    thread.Planned.Thread.Role,
                    thread.Planned.Thread.Index,
                    thread.Planned.Thread.Comm,
                    thread.Planned.Wanted,
                    thread.Actual,
                    thread.Outcome,
                    thread.Planned.Rule
                )
                {
                    Realtime = RealtimeStatus.Of(thread),
                }),
            ],
        };
    }

    private static Standing Judge(VmPlan plan, ImmutableArray<PinOutcome> threads)
    {
        if (plan.IsReleased)
        {
            return new(
                VmState.Waiting,
                Reason.Released,
                "given back with pinagent release: reported on, and pinned no longer"
            );
        }

        var planned = threads.Count(thread => thread.Outcome == Outcome.Planned);
        var raised = threads.Count(thread => thread.Scheduling?.Outcome == Outcome.Planned);
        if (planned + raised > 0)
        {
            return new(
                VmState.Waiting,
                Reason.AuditMode,
                $"audit mode: {planned} of {threads.Length} threads would be moved"
                    + (raised > 0 ? $", {raised} given real-time priority" : "")
            );
        }

        if (threads.FirstOrDefault(thread => thread.Outcome == Outcome.Denied) is { } denied)
        {
            var who = Threads(threads, Outcome.Denied);
            return denied.Error.MeansDenied()
                ? new(
                    VmState.PartlyPinned,
                    Reason.PermissionMissing,
                    $"the kernel refused to move {who}: the agent needs CAP_SYS_NICE"
                )
                : new(
                    VmState.PartlyPinned,
                    Reason.KernelRefused,
                    $"the kernel refused to move {who}: {denied.Error.Describe()}"
                );
        }

        if (plan.Contested is { } contested)
        {
            return new(VmState.PartlyPinned, Reason.AnotherWriter, contested);
        }

        var vcpus = threads
            .Where(thread => thread.Planned.Thread.Role == ThreadRole.Vcpu)
            .ToImmutableArray();
        if (vcpus.Any(thread => thread.Outcome == Outcome.ThreadGone))
        {
            return new(
                VmState.Waiting,
                Reason.ThreadGone,
                $"{Threads(vcpus, Outcome.ThreadGone)} ended while the VM was pinned; looking again at the next pass"
            );
        }

        if (vcpus.Any(thread => thread.Outcome == Outcome.SetMeanwhile))
        {
            return ManagerAtWork.Waiting;
        }

        if (vcpus.Any(thread => thread.Outcome == Outcome.Confined))
        {
            return new(
                VmState.PartlyPinned,
                Reason.Confined,
                $"{Threads(vcpus, Outcome.Confined)}: its own cgroup doesn't have the CPU it should go on"
            );
        }

        if (threads.Any(thread => thread.Outcome == Outcome.Narrowed))
        {
            return new(
                VmState.PartlyPinned,
                Reason.Narrowed,
                $"the kernel kept fewer CPUs than asked for of {Threads(threads, Outcome.Narrowed)}: the cpuset changed "
                    + "meanwhile, looking again at the next pass"
            );
        }

        return JudgeRealtime(threads) ?? new(VmState.Pinned, null, null);
    }

    private static Standing? JudgeRealtime(ImmutableArray<PinOutcome> threads)
    {
        ImmutableArray<PinOutcome> denied =
        [
            .. threads.Where(thread => thread.Scheduling?.Outcome == Outcome.Denied),
        ];
        return denied.IsEmpty
            ? null
            : new(
                VmState.PartlyPinned,
                Reason.RealtimeDenied,
                $"the vCPUs are on their CPUs, but the kernel refused real-time priority for {Names(denied)} "
                    + $"({denied[0].Scheduling!.Error.Describe()}): the agent needs CAP_SYS_NICE, and the VM's cgroup a budget "
                    + "(cpu.rt_runtime_us) where the kernel asks for one"
            );
    }

    // Threads outside the vCPUs that can't be placed don't unpin the VM.
    private static IEnumerable<string> Advise(ImmutableArray<PinOutcome> threads)
    {
        var others = threads
            .Where(thread => thread.Planned.Thread.Role != ThreadRole.Vcpu)
            .ToImmutableArray();
        if (others.Any(thread => thread.Outcome == Outcome.Confined))
        {
            yield return $"{Threads(others, Outcome.Confined)}: confined by a cgroup of its own to other CPUs; PinAgent "
                + "changes no cgroup";
        }

        if (others.Any(thread => thread.Outcome == Outcome.Ambiguous))
        {
            yield return $"{Threads(others, Outcome.Ambiguous)}: several VMs or other processes could own it, so it's left alone";
        }
    }

    private static string Threads(ImmutableArray<PinOutcome> threads, Outcome outcome) =>
        Names(threads.Where(thread => thread.Outcome == outcome));

    private static string Names(IEnumerable<PinOutcome> threads) =>
        string.Join(
            ", ",
            threads.Select(thread => $"{thread.Planned.Thread.Comm} ({thread.Planned.Thread.Tid})")
        );
}
