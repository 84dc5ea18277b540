using System.Collections.Immutable;
using PinAgent.Model.Cpu;
using PinAgent.Model.Node;
using PinAgent.Model.Vm;
using PinAgent.Plan;

namespace PinAgent.Report.Violations;

/// <summary>CPUs, and cores, that two dedicated VMs share. Pure.</summary>
internal static class SharedCpus
{
    /// <summary>What is broken on this node, pair of VMs by pair.</summary>
    public static ImmutableArray<Violation> Of(ImmutableArray<VmPlan> vms, NodeTopology topology)
    {
        // Who has been given no CPUs of its own shares them with everybody, and that is said of the VM.
        var owners = vms.Where(vm =>
                vm is { Dedicated: true, Cpuset: not null }
                && vm.Obstacle?.Reason is not (Reason.CpusetIsSharedPool or Reason.NoCpusetOfItsOwn)
            )
            .ToList();
        return
        [
            .. owners.SelectMany(
                (vm, i) =>
                    owners
                        .Skip(i + 1)
                        .Where(other => other.Cpuset!.Overlaps(vm.Cpuset!))
                        .Select(other => Overlap(vm, other))
            ),
            .. owners.SelectMany(vm =>
            {
                var siblings = SiblingsOf(vm, topology);
                return owners
                    .Where(other => other != vm && other.Cpuset!.Overlaps(siblings))
                    .Select(other => Sibling(vm, other, topology));
            }),
        ];
    }

    private static Violation Overlap(VmPlan vm, VmPlan other)
    {
        var both = vm.Cpuset!.Intersect(other.Cpuset!);
        return new Violation(
            ViolationKind.Overlap,
            both,
            $"CPUs {both} are in the cpusets of both {vm.FullName} and {other.FullName}: each slows the other down"
        );
    }

    // On the cores of its vCPUs, but not its own.
    private static CpuSet SiblingsOf(VmPlan vm, NodeTopology topology) =>
        CpuSet.Of(vm.VcpuCpus.SelectMany(cpu => topology.SiblingsOf(cpu))).Except(vm.Cpuset!);

    private static Violation Sibling(VmPlan vm, VmPlan other, NodeTopology topology)
    {
        var own = vm.Cpuset!;
        var shared = CpuSet.Of(
            vm.VcpuCpus.Where(cpu =>
                topology
                    .SiblingsOf(cpu)
                    .Any(sibling => !own.Contains(sibling) && other.Cpuset!.Contains(sibling))
            )
        );
        return new Violation(
            ViolationKind.Sibling,
            shared,
            $"vCPUs of {vm.FullName} on CPUs {shared} share their cores with CPUs of {other.FullName}: give whole cores "
                + "to a VM (the kubelet's full-pcpus-only)"
        );
    }
}
