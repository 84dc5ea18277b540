using System.Collections.Immutable;
using PinAgent.Model.Cpu;
using PinAgent.Model.Node;
using PinAgent.Model.Vm;
using PinAgent.Plan;

namespace PinAgent.Report.Violations;

/// <summary>Processes outside a VM that may run on its vCPUs' CPUs. Pure.</summary>
internal static class Strangers
{
    /// <summary>
    /// A violation per VM, or one for those with the same strangers; those that may run on every CPU, as all may on a node that isolates none, are one for the node.
    /// </summary>
    /// <param name="processes">Who may run where, the most important first.</param>
    public static IEnumerable<Violation> Of(
        ImmutableArray<VmPlan> vms,
        NodeTopology topology,
        IReadOnlyCollection<ForeignProcess> processes
    )
    {
        var placed = vms.Where(vm => vm.Placement is not null).ToList();
        var pids = placed.Select(vm => vm.Vm.Key.Pid).ToHashSet();
        var others = processes
            .Where(process => !pids.Contains(process.Pid))
            .ToLookup(process => topology.Online.IsSubsetOf(process.Cpus));
        // Those that the same processes may disturb are told once.
        var disturbed = placed
            .Select(vm =>
                (
                    Vm: vm,
                    By: others[false]
                        .Where(process =>
                            process.Cpus.Overlaps(vm.VcpuCpus) && !IsOf(vm.Vm, process)
                        )
                        .ToList()
                )
            )
            .Where(vm => vm.By.Count > 0)
            .GroupBy(vm => string.Join(' ', vm.By.Select(process => process.Pid).Distinct()));
        var names = vms.ToLookup(vm => vm.Vm.Key.Pid, vm => vm.FullName);
        foreach (var same in disturbed)
        {
            var strangers = same.First().By;
            var reached = CpuSet.Of(strangers.SelectMany(process => process.Cpus));
            var cpus = same.Aggregate(
                CpuSet.Empty,
                (all, vm) => all.Union(vm.Vm.VcpuCpus.Intersect(reached))
            );
            var who = Describe(strangers, names);
            yield return new Violation(
                ViolationKind.Stranger,
                cpus,
                $"other processes may run on CPUs {cpus} of {Whose([.. same.Select(vm => vm.Vm)])}: {who}; give them other "
                    + "CPUs (taskset, AllowedCPUs=, their cgroup's cpuset.cpus)"
            )
            {
                By = who,
            };
        }

        var everywhere = others[true]
            .Where(process => !placed.TrueForAll(vm => IsOf(vm.Vm, process)))
            .ToList();
        if (placed.Count > 0 && everywhere.Count > 0)
        {
            var cpus = CpuSet.Of(placed.SelectMany(vm => vm.VcpuCpus));
            var who = Describe(everywhere, names);
            yield return new Violation(
                ViolationKind.Stranger,
                cpus,
                $"{everywhere.DistinctBy(process => process.Pid).Count()} processes may run on every CPU, CPUs {cpus} of vCPUs "
                    + $"among them; most CPU time have {who}: keep them off (kernel parameter isolcpus, or "
                    + "systemd's CPUAffinity= and AllowedCPUs=)"
            )
            {
                Severity = Severity.Possible,
                By = who,
            };
        }
    }

    // virt-launcher, swtpm, virtiofsd: in the VM's pod, or its cgroup.
    private static bool IsOf(ObservedVm vm, ForeignProcess process) =>
        (vm.Cgroup, process.Cgroup) switch
        {
            ({ PodUid: { } pod }, { } cgroup) => cgroup.PodUid == pod,
            ({ Path: not "/" } own, { } cgroup) => cgroup.Path == own.Path
                || cgroup.Path.StartsWith($"{own.Path}/", StringComparison.Ordinal),
            _ => false,
        };

    private static string Whose(IReadOnlyCollection<VmPlan> vms) =>
        vms.Count == 1
            ? $"{vms.First().FullName}'s vCPUs"
            : $"the vCPUs of {Examples.Of([.. vms.Select(vm => vm.FullName)])}";

    // A QEMU by its VM's name.
    private static string Describe(
        IEnumerable<ForeignProcess> processes,
        ILookup<int, string> vms
    ) =>
        Examples.Of([
            .. processes
                .GroupBy(process => process.Pid)
                .Select(process =>
                    (First: process.First(), Threads: process.Sum(mask => mask.Threads))
                )
                .Select(process =>
                    $"{vms[process.First.Pid].FirstOrDefault() ?? process.First.Comm} (pid {process.First.Pid}, "
                    + (process.Threads == 1 ? "1 thread)" : $"{process.Threads} threads)")
                ),
        ]);
}
