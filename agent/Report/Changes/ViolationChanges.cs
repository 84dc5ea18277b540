using System.Collections.Immutable;
using PinAgent.Model.Changes;
using PinAgent.Model.Cpu;
using PinAgent.Model.Node;

namespace PinAgent.Report.Changes;

/// <summary>Which violations began and ended, told of each dedicated VM whose CPUs they are about. Pure.</summary>
internal static class ViolationChanges
{
    /// <summary>What changed. One that is told in other words, or with other figures, is the same.</summary>
    public static IEnumerable<VmChange> Between(
        ImmutableArray<Violation> before,
        ImmutableArray<Violation> after,
        ImmutableArray<VmPassResult> vms,
        DateTimeOffset now
    )
    {
        if (before.SequenceEqual(after))
        {
            return [];
        }

        return
        [
            .. Missing(before, after)
                .SelectMany(one => Records(one, VmChangeKind.ViolationEnded, vms, now)),
            .. Missing(after, before)
                .SelectMany(one => Records(one, VmChangeKind.ViolationBegun, vms, now)),
        ];
    }

    private static IEnumerable<Violation> Missing(
        ImmutableArray<Violation> from,
        ImmutableArray<Violation> there
    ) => from.ExceptBy(there.Select(Key), Key);

    private static (ViolationKind, CpuSet) Key(Violation one) => (one.Kind, one.Cpus);

    private static IEnumerable<VmChange> Records(
        Violation violation,
        VmChangeKind kind,
        ImmutableArray<VmPassResult> vms,
        DateTimeOffset now
    ) =>
        vms.Where(vm =>
                vm.Status.Dedicated
                && vm.Outcome.Plan is not { Placement: null, Cpus.IsGiven: false }
                && vm.Outcome.Plan.Cpuset is { } cpuset
                && cpuset.Overlaps(violation.Cpus)
            )
            .Select(vm => new VmChange
            {
                At = now,
                Kind = kind,
                Cause = ChangeCause.Neighbours,
                Namespace = vm.Status.Namespace,
                Name = vm.Status.Name,
                Pid = vm.Status.Pid,
                State = vm.Status.State,
                Message = violation.Message,
                Cpuset = vm.Status.Cpuset?.ToString(),
                Key = vm.Outcome.Plan.Vm.Key,
            });
}
