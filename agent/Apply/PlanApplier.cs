using PinAgent.Model.Cpu;
using PinAgent.Model.Node;
using PinAgent.Model.Vm;
using PinAgent.NativeInterop;
using PinAgent.Plan;

namespace PinAgent.Apply;

/// <summary>
/// The third stage: makes the threads' masks what the plan says. Only differences are written, each is read back, and
/// a thread whose id was given to another meanwhile is left alone.
/// </summary>
internal sealed class PlanApplier(IThreadAffinity kernel)
{
    /// <summary>Applies the plan of one VM.</summary>
    /// <param name="mode">Whether masks are written.</param>
    public VmOutcome Apply(VmPlan plan, AgentMode mode)
    {
        var pid = plan.Vm.Key.Pid;
        return new VmOutcome(
            plan,
            [
                .. plan.Threads.Select(planned =>
                {
                    var mask = ApplyMask(plan, planned, mode);
                    return planned.Scheduling is { } wanted
                        ? mask with
                        {
                            Scheduling = ApplyScheduling(pid, planned, wanted, mode),
                        }
                        : mask;
                }),
            ]
        );
    }

    private PinOutcome ApplyMask(VmPlan plan, PlannedThread planned, AgentMode mode)
    {
        var actual = planned.Thread.Affinity;
        return planned switch
        {
            { Wanted: null } => new(planned, null, actual),
            { Thread.IsAmbiguous: true } => new(planned, Outcome.Ambiguous, actual),
            { IsConfined: true } => new(planned, Outcome.Confined, actual),
            _ when actual is null => new(planned, Outcome.ThreadGone, null),
            _ when actual.Equals(planned.Wanted) => new(planned, Outcome.AlreadyRight, actual),
            { IsContested: true } => new(planned, Outcome.Contested, actual),
            _ when mode == AgentMode.Audit => new(planned, Outcome.Planned, actual),
            _ => SetMask(plan, planned, planned.Wanted),
        };
    }

    private PinOutcome SetMask(VmPlan plan, PlannedThread planned, CpuSet wanted)
    {
        var pid = plan.Vm.Key.Pid;
        var thread = planned.Thread;
        if (Identify(pid, thread) is not Errno.None and var problem)
        {
            return problem.MeansGone()
                ? new(planned, Outcome.ThreadGone, null)
                : new(planned, Outcome.Denied, null) { Error = problem };
        }

        // A manager sets a mask once: over it, its word would be lost for good.
        if (
            plan.IsBeingPlaced
            && kernel.GetCpus(thread.Tid, out var now).IsSuccess
            && !now.Equals(thread.Affinity)
        )
        {
            return new(
                planned,
                now.Equals(wanted) ? Outcome.AlreadyRight : Outcome.SetMeanwhile,
                now
            );
        }

        var set = kernel.SetCpus(thread.Tid, wanted);
        var get = kernel.GetCpus(thread.Tid, out var actual);

        // Not the thread we meant: a thread's id is used again after it ended.
        if (Identify(pid, thread).MeansGone())
        {
            return new(planned, Outcome.ThreadGone, null);
        }

        return (set.Errno, get.Errno) switch
        {
            (Errno.ESRCH, _) or (_, Errno.ESRCH) => new(planned, Outcome.ThreadGone, null),
            (Errno.None, Errno.None) => new(
                planned,
                actual.Equals(wanted) ? Outcome.Applied : Outcome.Narrowed,
                actual
            ),

            // No CPU of the mask is in the thread's cpuset: its cgroup was changed since it was read.
            (Errno.EINVAL, Errno.None) => new(planned, Outcome.Confined, actual),

            // No CAP_SYS_NICE; a security module can forbid even reading. Whatever else the kernel objects to, a thread
            // with a deadline say, is this thread's matter and not the others'.
            _ => new(planned, Outcome.Denied, get.IsSuccess ? actual : null)
            {
                Error = set.IsSuccess ? get.Errno : set.Errno,
            },
        };
    }

    private SchedulingOutcome ApplyScheduling(
        int pid,
        PlannedThread planned,
        ThreadScheduling wanted,
        AgentMode mode
    )
    {
        var actual = planned.Thread.Scheduling;
        return planned switch
        {
            { Thread.IsAmbiguous: true } => new(Outcome.Ambiguous, actual),
            _ when actual == wanted => new(Outcome.AlreadyRight, actual),
            { IsContested: true } => new(Outcome.Contested, actual),
            _ when mode == AgentMode.Audit => new(Outcome.Planned, actual),
            _ => SetScheduling(pid, planned.Thread, wanted),
        };
    }

    private SchedulingOutcome SetScheduling(int pid, VmThread thread, ThreadScheduling wanted)
    {
        if (Identify(pid, thread) is not Errno.None and var problem)
        {
            return problem.MeansGone()
                ? new(Outcome.ThreadGone, null)
                : new(Outcome.Denied, null, problem);
        }

        var set = kernel.SetScheduling(thread.Tid, wanted);
        var get = kernel.GetScheduling(thread.Tid, out var actual);
        return set.Errno == Errno.ESRCH
            || get.Errno == Errno.ESRCH
            || Identify(pid, thread).MeansGone()
                ? new(Outcome.ThreadGone, null)
            : set.IsSuccess ? new(Outcome.Applied, get.IsSuccess ? actual : wanted)
            : new(Outcome.Denied, get.IsSuccess ? actual : null, set.Errno);
    }

    // Whether it's the thread that was read. Where that can't be told, as with too many open files, nothing is set.
    private Errno Identify(int pid, VmThread thread)
    {
        var process = thread.IsKernelProcess ? thread.Tid : pid;
        var result = kernel.StartTimeOf(process, thread.Tid, out var startTime);
        return result.IsSuccess && startTime != thread.StartTime ? Errno.ESRCH : result.Errno;
    }
}
