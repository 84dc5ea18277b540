using PinAgent.Model.Cpu;
using PinAgent.Model.Vm;

namespace PinAgent.Plan.Threads;

/// <summary>
/// The opposite of pinning: each thread gets the CPUs it had before the agent's first change, as far as its cgroup still
/// has them, or else all CPUs of its cgroup, and the priority that the agent took from it. Pure.
/// </summary>
internal static class GiveBack
{
    /// <summary>Plans a VM's return.</summary>
    /// <param name="vm">The VM as it was found.</param>
    /// <param name="before">What a thread had before the agent's first change, as far as that is known.</param>
    public static VmPlan Of(
        ObservedVm vm,
        (string Namespace, string Name) fullName,
        Func<VmThread, (CpuSet? Mask, ThreadScheduling? Scheduling)> before
    ) =>
        new()
        {
            Shape = VmShape.Of(new(vm, fullName.Namespace, fullName.Name) { Dedicated = true }),
            Threads =
            [
                .. vm.Threads.Select(thread =>
                    GiveBackThread(thread, thread.OwnCpuset ?? vm.Cpuset, before(thread))
                ),
            ],
        };

    private static PlannedThread GiveBackThread(
        VmThread thread,
        CpuSet? allowed,
        (CpuSet? Mask, ThreadScheduling? Scheduling) before
    ) => new(thread, Wanted(before.Mask, allowed)) { Scheduling = before.Scheduling };

    private static CpuSet? Wanted(CpuSet? before, CpuSet? allowed) =>
        allowed is null ? before
        : before is not null && before.Intersect(allowed) is { IsEmpty: false } cpus ? cpus
        : allowed;
}
