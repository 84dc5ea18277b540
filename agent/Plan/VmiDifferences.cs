using PinAgent.Model;

namespace PinAgent.Plan;

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
            && !expected.Contains(vcpus)
        )
        {
            yield return $"the VMI says {string.Join(" or ", expected)} vCPUs, the guest has {vcpus}: the guest's threads count";
        }

        if (vmi.Threads > 0 && vm.Problem is null && vmi.Threads != vm.Guest.Full.Threads)
        {
            yield return $"the VMI says {vmi.Threads} threads per core, QEMU's -smp {vm.Guest.Full.Threads}: QEMU's count";
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
    private static List<long> Expected(VmiFacts vmi) =>
        [.. new[] { vmi.SpecVcpus, vmi.CurrentTopology?.Vcpus }.OfType<long>().Distinct().Order()];
}
