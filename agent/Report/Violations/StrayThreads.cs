using System.Collections.Immutable;
using PinAgent.Apply;
using PinAgent.Model.Cpu;
using PinAgent.Model.Node;
using PinAgent.Model.Vm;
using PinAgent.Plan;

namespace PinAgent.Report.Violations;

/// <summary>Threads of a VM's own that can't be kept off its vCPUs' CPUs, or kept on theirs. Pure.</summary>
internal static class StrayThreads
{
    /// <summary>The violations, VM by VM.</summary>
    public static IEnumerable<Violation> Of(ImmutableArray<VmOutcome> vms)
    {
        foreach (var vm in vms)
        {
            var vcpus = vm.Plan.VcpuCpus;
            var helpers = vm.Plan.Placement is { EmulatorIsolated: true }
                ? vm.Threads.Where(thread => IsStray(thread, vcpus)).ToList()
                : [];
            if (helpers.Count > 0)
            {
                yield return Helper(vm.Plan, helpers);
            }

            var confined = vm.Threads.Where(IsConfinedIoThread).Except(helpers).ToList();
            if (confined.Count > 0)
            {
                yield return Confined(vm.Plan, confined);
            }
        }
    }

    private static Violation Helper(VmPlan vm, List<PinOutcome> threads)
    {
        var cpus = vm.VcpuCpus.Intersect(CpusOf(threads));
        return new Violation(
            ViolationKind.Helper,
            cpus,
            $"threads of {vm.FullName} that belong with its emulator may run on CPUs {cpus} of its vCPUs, and couldn't be "
                + $"moved: {Describe(threads, thread => $"{thread.Outcome}")}; pinagent status --vm says why of each"
        );
    }

    private static Violation Confined(VmPlan vm, List<PinOutcome> threads) =>
        new(
            ViolationKind.Confined,
            CpusOf(threads),
            $"a cgroup of their own, virt-handler's housekeeping say, keeps I/O threads of {vm.FullName} from their CPUs: "
                + $"{Describe(threads, thread => $"on {thread.Actual} instead of {thread.Planned.Wanted}")}; PinAgent changes "
                + "no cgroup"
        );

    private static bool IsConfinedIoThread(PinOutcome thread) =>
        thread
            is {
                Outcome: Outcome.Confined,
                Actual: not null,
                Planned.Thread.Role: ThreadRole.IoThread,
            };

    private static CpuSet CpusOf(List<PinOutcome> threads) =>
        CpuSet.Of(threads.SelectMany(thread => thread.Actual!));

    // In audit mode nothing is moved, and that is said of the VM.
    private static bool IsStray(PinOutcome thread, CpuSet vcpus) =>
        thread.Planned.Thread.Role != ThreadRole.Vcpu
        && thread.Outcome
            is Outcome.Confined
                or Outcome.Denied
                or Outcome.Narrowed
                or Outcome.Ambiguous
                or Outcome.Contested
        && thread.Actual?.Overlaps(vcpus) is true
        && thread.Planned.Wanted?.Overlaps(vcpus) is false;

    private static string Describe(List<PinOutcome> threads, Func<PinOutcome, string> how) =>
        Examples.Of([
            .. threads.Select(thread =>
                $"{thread.Planned.Thread.Comm} ({thread.Planned.Thread.Tid}, {how(thread)})"
            ),
        ]);
}
