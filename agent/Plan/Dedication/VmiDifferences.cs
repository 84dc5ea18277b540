using PinAgent.Model.Kubernetes;
using PinAgent.Model.Vm;

namespace PinAgent.Plan.Dedication;

/// <summary>Where a VMI and the guest that runs are at odds. The guest is the truth; the difference is shown.</summary>
internal static class VmiDifferences
{
    /// <summary>The differences, as sentences.</summary>
    public static IEnumerable<string> Of(ObservedVm vm, VmiFacts vmi, string node)
    {
        var vcpus = vm.Threads.Count(thread => thread.Role == ThreadRole.Vcpu);
        if (
            vm.Problem is null
            && vcpus > 0
            && Expected(vmi) is { Count: > 0 } expected
            && !expected.Contains((UInt128)vcpus)
        )
        {
            yield return $"the VMI says {string.Join(" or ", expected)} vCPUs, the guest has {vcpus}: the guest's threads count";
        }

        if (
            vmi.Spec.Threads is > 0 and var threads
            && vm.Problem is null
            && threads != vm.Guest.Full.Threads
        )
        {
            yield return $"the VMI says {threads} threads per core, QEMU's -smp {vm.Guest.Full.Threads}: QEMU's count";
        }

        if (
            vmi.NodeName is { } where
            && where != node
            && vmi.MigrationSource != node
            && vmi.MigrationTarget != node
        )
        {
            yield return $"the VMI says that it runs on node {where}, its pod is on {node}";
        }
    }

    // Between a change of the spec and its completion, and on a migration's target, either may hold.
    private static List<UInt128> Expected(VmiFacts vmi) =>
        [
            .. new[] { vmi.Spec.SaidVcpus, (UInt128?)vmi.CurrentTopology?.Vcpus }
                .OfType<UInt128>()
                .Distinct()
                .Order(),
        ];
}
