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
            .. vms.Where(IsConcerned)
                .SelectMany(vm =>
                    Missing(before, after, vm)
                        .Select(one => Record(one, VmChangeKind.ViolationEnded, vm, now))
                        .Concat(
                            Missing(after, before, vm)
                                .Select(one => Record(one, VmChangeKind.ViolationBegun, vm, now))
                        )
                ),
        ];
    }

    private static bool IsConcerned(VmPassResult vm) =>
        vm.Status.Dedicated
        && vm.Outcome.Plan is { Cpuset: not null } and not { Placement: null, Cpus.IsGiven: false };

    // By what it is to this VM: another one that begins beside it is no news to it.
    private static IEnumerable<Violation> Missing(
        ImmutableArray<Violation> from,
        ImmutableArray<Violation> there,
        VmPassResult vm
    )
    {
        var cpuset = vm.Outcome.Plan.Cpuset!;
        return from.Where(one => one.Cpus.Overlaps(cpuset))
            .ExceptBy(there.Select(Key), Key)
            .DistinctBy(Key);

        (ViolationKind, CpuSet) Key(Violation one) => (one.Kind, one.Cpus.Intersect(cpuset));
    }

    private static VmChange Record(
        Violation violation,
        VmChangeKind kind,
        VmPassResult vm,
        DateTimeOffset now
    ) =>
        new()
        {
            At = now,
            Kind = kind,
            Cause = ChangeCause.Neighbours,
            Namespace = vm.Status.Namespace,
            Name = vm.Status.Name,
            Pid = vm.Status.Pid,
            State = vm.Status.State,
            Message = violation.Message,
            By = violation.By,
            Cpuset = vm.Status.Cpuset?.ToString(),
            Key = vm.Outcome.Plan.Vm.Key,
        };
}
