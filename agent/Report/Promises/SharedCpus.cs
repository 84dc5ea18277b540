using System.Collections.Immutable;
using PinAgent.Model;
using PinAgent.Plan;

namespace PinAgent.Report.Promises;

/// <summary>CPUs, and cores, that two dedicated VMs share. Pure.</summary>
internal static class SharedCpus
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
                $"CPUs {both} are in the cpusets of both {vm.FullName} and {other.FullName}: each slows the other down"
            )
            : null;

    private static Violation? Sibling(VmPlan vm, VmPlan other, NodeTopology topology)
    {
        var own = vm.Vm.Cpuset!;
        var shared = CpuSet.Of(
            vm.VcpuCpus.Where(cpu =>
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
                $"vCPUs of {vm.FullName} on CPUs {shared} share their cores with CPUs of {other.FullName}: give whole cores "
                    + "to a VM (the kubelet's full-pcpus-only)"
            );
    }
}
