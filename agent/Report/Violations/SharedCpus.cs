using System.Collections.Immutable;
using PinAgent.Model.Cpu;
using PinAgent.Model.Node;
using PinAgent.Model.Vm;
using PinAgent.Plan;

namespace PinAgent.Report.Violations;

/// <summary>CPUs, and cores, that two dedicated VMs share. Pure.</summary>
internal static class SharedCpus
{
    /// <summary>What is broken on this node: CPUs of the same VMs once, and cores once for each VM that has vCPUs there.</summary>
    public static ImmutableArray<Violation> Of(ImmutableArray<VmPlan> vms, NodeTopology topology)
    {
        // Who has been given no CPUs of its own shares them with everybody, and that is said of the VM.
        var owners = vms.Where(vm =>
                vm is { Dedicated: true, Cpuset: not null }
                && vm.Cpus is not { IsGiven: false }
                && vm.Obstacle?.Reason is not (Reason.CpusetIsSharedPool or Reason.NoCpusetOfItsOwn)
            )
            .ToList();
        return
        [
            .. (Overlap(owners) ? owners : [])
                .SelectMany(vm => vm.Cpuset!.Select(cpu => (Cpu: cpu, Vm: vm)))
                .GroupBy(part => part.Cpu, part => part.Vm)
                .Where(cpu => cpu.Count() > 1)
                .GroupBy(cpu => string.Join(' ', cpu.Select(vm => vm.Vm.Key.Pid)))
                .Select(same => Overlap(CpuSet.Of(same.Select(cpu => cpu.Key)), [.. same.First()])),
            .. owners
                .Select(vm => (Vm: vm, Siblings: SiblingsOf(vm, topology)))
                .Select(vm =>
                    (
                        vm.Vm,
                        Others: owners
                            .Where(other => other != vm.Vm && other.Cpuset!.Overlaps(vm.Siblings))
                            .ToList()
                    )
                )
                .Where(vm => vm.Others.Count > 0)
                .Select(vm => Sibling(vm.Vm, vm.Others, topology)),
        ];
    }

    // Most often none do, and that is told by the sets alone.
    private static bool Overlap(List<VmPlan> vms)
    {
        var all = CpuSet.Empty;
        foreach (var vm in vms)
        {
            if (all.Overlaps(vm.Cpuset!))
            {
                return true;
            }

            all = all.Union(vm.Cpuset!);
        }

        return false;
    }

    private static Violation Overlap(CpuSet cpus, List<VmPlan> vms) =>
        new(
            ViolationKind.Overlap,
            cpus,
            vms is [var vm, var other]
                ? $"CPUs {cpus} are in the cpusets of both {vm.FullName} and {other.FullName}: each slows the other down"
                : $"CPUs {cpus} are in the cpusets of {vms.Count} VMs, {Names(vms)}: each slows the others down"
        )
        {
            By = Names(vms),
        };

    private static string Names(IEnumerable<VmPlan> vms) =>
        Examples.Of([.. vms.Select(vm => vm.FullName)]);

    // On the cores of its vCPUs, but not its own.
    private static CpuSet SiblingsOf(VmPlan vm, NodeTopology topology) =>
        CpuSet.Of(vm.VcpuCpus.SelectMany(cpu => topology.SiblingsOf(cpu))).Except(vm.Cpuset!);

    private static Violation Sibling(VmPlan vm, List<VmPlan> others, NodeTopology topology)
    {
        var own = vm.Cpuset!;
        var theirs = others.Aggregate(CpuSet.Empty, (cpus, other) => cpus.Union(other.Cpuset!));
        var shared = CpuSet.Of(
            vm.VcpuCpus.Where(cpu =>
                topology
                    .SiblingsOf(cpu)
                    .Any(sibling => !own.Contains(sibling) && theirs.Contains(sibling))
            )
        );
        return new Violation(
            ViolationKind.Sibling,
            shared,
            $"vCPUs of {vm.FullName} on CPUs {shared} share their cores with CPUs of {Names(others)}: give whole cores "
                + "to a VM (the kubelet's full-pcpus-only)"
        )
        {
            By = Names(others),
        };
    }
}
