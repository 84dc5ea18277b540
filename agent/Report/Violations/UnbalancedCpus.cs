using System.Collections.Immutable;
using PinAgent.Apply;
using PinAgent.Model.Cpu;
using PinAgent.Model.Node;
using PinAgent.Model.Vm;

namespace PinAgent.Report.Violations;

/// <summary>
/// VMs that aren't pinned and may run on isolated CPUs: the kernel balances nothing there, so that their threads pile up on
/// one. Pure.
/// </summary>
internal static class UnbalancedCpus
{
    /// <summary>A violation per VM.</summary>
    /// <param name="isolated">The CPUs that the kernel doesn't balance.</param>
    public static IEnumerable<Violation> Of(ImmutableArray<VmOutcome> vms, CpuSet isolated) =>
        vms.Where(vm => !BeginsOrEnds(vm))
            .Select(vm => (vm.Plan.FullName, Cpus: FloatingCpus(vm).Intersect(isolated)))
            .Where(vm => !vm.Cpus.IsEmpty)
            .Select(vm => new Violation(
                ViolationKind.Isolated,
                vm.Cpus,
                $"{vm.FullName} isn't pinned and may run on isolated CPUs {vm.Cpus}, between which the kernel balances "
                    + "nothing: its threads pile up on one of them; let it be pinned, or give it CPUs that aren't isolated"
            ));

    private static CpuSet FloatingCpus(VmOutcome vm) =>
        CpuSet.Of(
            vm.Threads.Where(thread =>
                    thread is { Planned.Thread.Role: ThreadRole.Vcpu, Actual.Count: > 1 }
                )
                .SelectMany(thread => thread.Actual!)
        );

    // It's pinned, or gone, within seconds.
    private static bool BeginsOrEnds(VmOutcome vm) =>
        vm.Plan.Obstacle?.Reason is Reason.VcpuThreadsStarting or Reason.ThreadGone;
}
