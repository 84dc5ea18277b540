using System.Collections.Immutable;
using PinAgent.Model.Kubernetes;
using PinAgent.Model.Vm;

namespace PinAgent.Plan.Threads;

/// <summary>Which threads of a VM that asks for real time get a real-time priority.</summary>
/// <remarks>
/// Source: KubeVirt, <c>pkg/hypervisor/kvm</c> (<c>configureVCPUScheduler</c>, <c>AffinePitThread</c>), which sets them once, at the
/// guest's start.
/// </remarks>
internal static class RealtimePlan
{
    private const int VcpuPriority = 1;
    private const int PitPriority = 2;

    /// <summary>The threads with the priorities that are wanted of them.</summary>
    /// <param name="mask">The vCPUs concerned; null if the VM doesn't ask for real time.</param>
    public static ImmutableArray<PlannedThread> AddTo(
        ImmutableArray<PlannedThread> threads,
        RealtimeMask? mask
    ) =>
        mask is null
            ? threads
            :
            [
                .. threads.Select(thread =>
                    PriorityOf(thread.Thread, mask) is { } priority
                        ? thread with
                        {
                            Scheduling = Raise(thread.Thread.Scheduling, priority),
                        }
                        : thread
                ),
            ];

    private static int? PriorityOf(VmThread thread, RealtimeMask mask) =>
        thread.Role switch
        {
            ThreadRole.Vcpu when mask.Contains(thread.Index ?? 0) => VcpuPriority,
            ThreadRole.KvmPit => PitPriority,
            _ => null,
        };

    // Somebody who wants it more urgent has a reason for it.
    private static ThreadScheduling Raise(ThreadScheduling? now, int priority) =>
        now is { } actual && actual.IsAtLeastFifo(priority)
            ? actual
            : new ThreadScheduling(SchedulingPolicy.Fifo, priority);
}
