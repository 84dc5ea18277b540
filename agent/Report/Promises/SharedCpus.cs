using System.Collections.Immutable;
using PinAgent.Model;

namespace PinAgent.Plan;

/// <summary>Finds promises to dedicated VMs that somebody has broken. Pure; nothing is done about them.</summary>
internal static class Violations
{
    /// <summary>What is broken on this node, pair of VMs by pair.</summary>
    /// <param name="vms">The plan.</param>
    /// <param name="topology">The node's CPUs.</param>
    public static ImmutableArray<Violation> Of(ImmutableArray<VmPlan> vms, NodeTopology topology)
    {
        // Who has been given no CPUs of its own shares them with everybody, and that is said of the VM.
        var owners = vms.Where(vm =>
                vm is { Dedicated: true, Vm.Cpuset: not null }
                && vm.Obstacle?.Reason is not (Reason.CpusetIsSharedPool or Reason.NoCpusetOfItsOwn)
            )
            .ToList();
        return
        [
            .. owners
                .SelectMany((vm, i) => owners.Skip(i + 1).Select(other => Overlap(vm, other)))
                .OfType<Violation>(),
            .. owners
                .SelectMany(vm =>
                    owners.Where(other => other != vm).Select(other => Sibling(vm, other, topology))
                )
                .OfType<Violation>(),
        ];
    }

    private static Violation? Overlap(VmPlan vm, VmPlan other) =>
        vm.Vm.Cpuset!.Intersect(other.Vm.Cpuset!) is { IsEmpty: false } both
            ? new Violation(
                ViolationKind.Overlap,
                both.ToString(),
                $"CPUs {both} are in the cpusets of both {Name(vm)} and {Name(other)}: each slows the other down"
            )
            : null;

    private static Violation? Sibling(VmPlan vm, VmPlan other, NodeTopology topology)
    {
        var own = vm.Vm.Cpuset!;
        var shared = CpuSet.Of(
            (vm.Placement?.Vcpus ?? []).Where(cpu =>
                topology
                    .SiblingsOf(topology[cpu])
                    .Any(sibling => !own.Contains(sibling) && other.Vm.Cpuset!.Contains(sibling))
            )
        );
        return shared.IsEmpty
            ? null
            : new Violation(
                ViolationKind.Sibling,
                shared.ToString(),
                $"vCPUs of {Name(vm)} on CPUs {shared} share their cores with CPUs of {Name(other)}: give whole cores to a VM "
                    + "(the kubelet's full-pcpus-only)"
            );
    }

    private static string Name(VmPlan vm) => Words.Printable($"{vm.Namespace}/{vm.Name}");
}
