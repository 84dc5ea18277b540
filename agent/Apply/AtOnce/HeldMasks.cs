using System.Collections.Immutable;
using PinAgent.Model.Cpu;
using PinAgent.Model.Vm;
using PinAgent.Plan.Contests;

namespace PinAgent.Apply.AtOnce;

/// <summary>A thread that is where it belongs.</summary>
internal readonly record struct HeldMask(int Tid, CpuSet Mask);

/// <summary>Which threads may be put back before the next pass looks at them. Pure.</summary>
internal static class HeldMasks
{
    /// <summary>Those of the VMs that have any.</summary>
    /// <param name="vms">The VMs whose masks may be written, as a pass has left them.</param>
    public static IReadOnlyDictionary<VmKey, IReadOnlyList<HeldMask>> Of(
        IEnumerable<VmOutcome> vms,
        NodeContests contests
    ) =>
        vms.Where(vm => vm.Plan is { Placement: not null, IsBeingPlaced: false })
            .Select(vm => (vm.Plan.Vm.Key, Masks: Of(vm, contests.Of(vm.Plan.Vm.Key))))
            .Where(vm => vm.Masks.Count > 0)
            .GroupBy(vm => vm.Key)
            .ToImmutableDictionary(vm => vm.Key, vm => vm.First().Masks);

    // Where another program fights over the VM, the next word is the pass's: it may give way, or hold what the other has set.
    private static IReadOnlyList<HeldMask> Of(VmOutcome vm, Contest contest) =>
        contest.LeftAlone.IsEmpty
            ?
            [
                .. vm
                    .Threads.Where(thread =>
                        thread.Outcome is Outcome.AlreadyRight or Outcome.Applied
                        && thread.Planned
                            is {
                                Wanted: not null,
                                IsConfined: false,
                                IsContested: false,
                                Thread: { IsAmbiguous: false, IsKernelProcess: false }
                            }
                        && !contest.IsLost(ThreadKey.Of(thread.Planned.Thread))
                    )
                    .Select(thread => new HeldMask(
                        thread.Planned.Thread.Tid,
                        thread.Planned.Wanted!
                    )),
            ]
            : [];
}
