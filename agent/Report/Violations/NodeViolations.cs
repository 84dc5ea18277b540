using System.Collections.Immutable;
using PinAgent.Apply;
using PinAgent.Model.Cpu;
using PinAgent.Model.Node;
using PinAgent.Plan;
using PinAgent.Plan.Dedication;

namespace PinAgent.Report.Violations;

/// <summary>Finds who disturbs dedicated VMs, or may. Pure; nothing is done about them.</summary>
internal static class NodeViolations
{
    /// <summary>What is broken on this node, kind by kind.</summary>
    /// <param name="disagreements">Since when it is told differently which CPUs are a VM's.</param>
    /// <param name="checkpoint">The CPU manager's checkpoint; null where there is none.</param>
    public static ImmutableArray<Violation> Of(
        ImmutableArray<VmOutcome> vms,
        NodeTopology topology,
        Disagreements disagreements,
        NodeNeighbours neighbours,
        CpuManagerCheckpoint? checkpoint = null
    )
    {
        ImmutableArray<VmPlan> plans = [.. vms.Select(vm => vm.Plan)];
        return
        [
            .. SharedCpus.Of(plans, topology),
            .. Strangers.Of(plans, topology, neighbours.Processes),
            .. StrayThreads.Of(vms),
            .. plans.Where(vm => vm.LostIsolation is not null).Select(LostIsolation),
            .. plans.Where(vm => neighbours.Throttled.Contains(vm.Vm.Key)).Select(Throttled),
            .. plans.Where(vm => disagreements.Lasts(vm.Vm.Key)).Select(Disagreement),
            .. Interruptions.Of(plans, neighbours.Interrupts),
            .. UnbalancedCpus.Of(vms, topology.Isolated.Union(neighbours.Isolated)),
            .. Checkpoint.Of(checkpoint),
        ];
    }

    private static Violation LostIsolation(VmPlan vm) =>
        new(
            ViolationKind.Emulator,
            vm.VcpuCpus,
            $"vCPUs of {vm.FullName} share their CPUs with its emulator: {vm.LostIsolation}"
        );

    private static Violation Throttled(VmPlan vm) =>
        new(
            ViolationKind.Throttled,
            vm.VcpuCpus,
            $"a CPU limit has held back the container of {vm.FullName} within the last minutes, so that its vCPUs stood still "
                + "on CPUs of their own: take the limit away (the kubelet's cpuCFSQuota, systemd's CPUQuota=)"
        );

    private static Violation Disagreement(VmPlan vm) =>
        new(
            ViolationKind.Disagreement,
            vm.Cpuset ?? CpuSet.Empty,
            $"the exclusive CPUs of {vm.FullName} are told differently: {vm.Disagreement}; somebody but the kubelet has "
                + "written the cgroup, or the kubelet doesn't run"
        );
}
