using System.Collections.Immutable;
using PinAgent.Model.Cpu;
using PinAgent.Model.Node;
using PinAgent.Plan;

namespace PinAgent.Report.Violations;

/// <summary>Devices that interrupt vCPUs' CPUs. Pure.</summary>
internal static class Interruptions
{
    /// <summary>A violation per VM, those that have fired lately first.</summary>
    public static IEnumerable<Violation> Of(
        ImmutableArray<VmPlan> vms,
        IReadOnlyCollection<DeviceInterrupt> interrupts
    ) =>
        vms.Select(vm =>
                (
                    Vm: vm,
                    Reaching: interrupts
                        .Select(device =>
                            device with
                            {
                                Routed = device.Routed.Intersect(vm.VcpuCpus),
                                Fired = device.Fired.Intersect(vm.VcpuCpus),
                            }
                        )
                        .Where(device => !device.Routed.IsEmpty || !device.Fired.IsEmpty)
                        .OrderBy(device => device.Fired.IsEmpty)
                        .ToList()
                )
            )
            .Where(found => found.Reaching.Count > 0)
            .Select(found => Describe(found.Vm, found.Reaching));

    private static Violation Describe(VmPlan vm, List<DeviceInterrupt> reaching)
    {
        var cpus = CpuSet.Of(reaching.SelectMany(device => device.Routed.Union(device.Fired)));
        return new Violation(
            ViolationKind.Interrupts,
            cpus,
            $"devices interrupt CPUs {cpus} of {vm.FullName}'s vCPUs: {Examples.Of([.. reaching.Select(Describe)])}; route them "
                + "elsewhere (/proc/irq/NUMBER/smp_affinity_list, irqbalance's IRQBALANCE_BANNED_CPULIST)"
        );
    }

    private static string Describe(DeviceInterrupt device) =>
        device.Fired.IsEmpty
            ? $"{device.Name} (interrupt {device.Number})"
            : $"{device.Name} (interrupt {device.Number}, fired lately)";
}
