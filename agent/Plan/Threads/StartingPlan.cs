using PinAgent.Model.Cpu;
using PinAgent.Model.Node;
using PinAgent.Model.Vm;
using PinAgent.Observe.Files;
using PinAgent.Plan.Dedication;
using PinAgent.Plan.Ownership;
using PinAgent.Plan.Placement;

namespace PinAgent.Plan.Threads;

/// <summary>
/// Where the threads of a VM that is starting will belong, as soon as each of them exists. It's only told where nothing of what
/// decides can still turn out otherwise; else the VM is planned when it's complete. Pure.
/// </summary>
internal static class StartingPlan
{
    /// <summary>The masks of the threads that exist and of those to come; null if they have to wait.</summary>
    public static ThreadMasks? Of(
        DedicationVerdict verdict,
        IEnumerable<DedicationVerdict> all,
        HeldPlacements held,
        NodeTopology topology,
        IPlacementPolicy policy
    )
    {
        if (
            verdict
                is not {
                    Dedicated: true,
                    Limit: ModeLimit.None,
                    Overlap: null,
                    Cpus: { IsByThread: false } cpus,
                }
            || !IsStarting(verdict)
            || CpuOwnership.AreToBeChosen(verdict)
            || verdict.Vm.Guest.BootVcpus > cpus.All.Count
            || verdict.Vm.ExpectedIoThreads > Bounds.IoThreads
            || IsOthersToo(verdict.Vm, cpus, all)
            || Complete(verdict.Vm) is not { } vm
        )
        {
            return null;
        }

        var shape = VmShape.Of(verdict with { Vm = vm, Obstacle = null });
        return held.Choose(shape, shape.ToRequest(topology), policy) is CpuPlacement placement
            ? ThreadMasks.Of(ThreadPlan.Of(shape, placement, topology))
            : null;
    }

    // Its vCPUs may be there before the last of its I/O threads.
    private static bool IsStarting(DedicationVerdict verdict) =>
        verdict.Obstacle is { } obstacle
            ? obstacle.Reason == Reason.VcpuThreadsStarting
            : verdict.Vm.Threads.Count(thread => thread.Role == ThreadRole.IoThread)
                < verdict.Vm.ExpectedIoThreads;

    // Who comes first may not be settled before both have vCPUs.
    private static bool IsOthersToo(
        ObservedVm vm,
        VmCpus cpus,
        IEnumerable<DedicationVerdict> all
    ) =>
        all.Any(other =>
            other.Vm.Key != vm.Key
            && other.Cpus is { } theirs
            && (theirs.IsGiven || other.Dedicated)
            && theirs.All.Overlaps(cpus.All)
        );

    // The VM as it will be. Its threads to come have ids that no thread has.
    private static ObservedVm? Complete(ObservedVm vm)
    {
        var vcpus = Missing(ThreadRole.Vcpu, first: 0, vm.Guest.BootVcpus);
        var ioThreads = Missing(ThreadRole.IoThread, first: 1, vm.ExpectedIoThreads);
        return vcpus is null || ioThreads is null
            ? null
            : vm with
            {
                Problem = null,
                Threads =
                [
                    .. vm.Threads,
                    .. vcpus
                        .Concat(ioThreads)
                        .Select(
                            (thread, i) =>
                                new VmThread
                                {
                                    Tid = -1 - i,
                                    StartTime = 0,
                                    Comm = "",
                                    Role = thread.Role,
                                    Index = thread.Index,
                                }
                        ),
                ],
            };

        // Null where those that exist aren't numbered like that.
        List<(ThreadRole Role, int Index)>? Missing(ThreadRole role, int first, int count)
        {
            var there = vm.Threads.Where(thread => thread.Role == role).ToList();
            return
                there.Exists(thread => !(thread.Index >= first && thread.Index < first + count))
                || there.Select(thread => thread.Index).Distinct().Count() != there.Count
                ? null
                :
                [
                    .. Enumerable
                        .Range(first, count)
                        .Where(index => !there.Exists(thread => thread.Index == index))
                        .Select(index => (role, index)),
                ];
        }
    }
}
