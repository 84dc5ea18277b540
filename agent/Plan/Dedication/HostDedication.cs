using PinAgent.Model.Node;
using PinAgent.Model.Vm;
using PinAgent.Plan.Ownership;
using PinAgent.Plan.Rivals;

namespace PinAgent.Plan.Dedication;

/// <summary>
/// Which VMs of a plain host are dedicated: those named, those whose VMI says so, or else those to which somebody has given
/// CPUs of their own. Pure.
/// </summary>
internal static class HostDedication
{
    /// <summary>Decides, and says which CPUs are whose.</summary>
    /// <param name="names">Which of them <c>--vm</c> means.</param>
    public static (List<DedicationVerdict> Verdicts, Precedence Precedence, CpuClaims Cpus) Decide(
        IReadOnlyCollection<DedicationVerdict> named,
        NodeSnapshot snapshot,
        NamedVms names,
        Claims claims
    )
    {
        var seen = claims.Cpus.See(snapshot.Vms, snapshot.EverybodysCpus, claims.Now);
        var slices = snapshot
            .Vms.Where(vm => vm is { HasVcpus: true, IsGivenAbove: true })
            .GroupBy(vm => vm.GivenCpuset)
            .Where(vms => vms.Count() > 1)
            .SelectMany(vms => vms)
            .Select(vm => vm.Key)
            .ToHashSet();
        var granted = named
            .Select(verdict =>
                verdict with
                {
                    Cpus = CpuGrants.Of(
                        verdict,
                        names.Own(verdict),
                        slices.Contains(verdict.Vm.Key),
                        names.CpusOf(verdict),
                        seen.Find(verdict.Vm.Key),
                        snapshot.Topology.Online,
                        snapshot.EverybodysCpus
                    ),
                }
            )
            .ToList();
        var precedence = new Precedence(
            claims.Held,
            seen,
            snapshot.Topology,
            granted
                .Where(verdict => verdict.Cpus is not null)
                .ToDictionary(verdict => verdict.Vm.Key, verdict => verdict.Cpus!)
        );
        var dedicated = granted
            .Select(verdict => Dedicate(verdict, snapshot, names, precedence))
            .ToList();
        var (verdicts, cpus) = CpuOwnership.Decide(dedicated, snapshot, names, claims, seen);
        return (verdicts, precedence, cpus);
    }

    private static DedicationVerdict Dedicate(
        DedicationVerdict verdict,
        NodeSnapshot snapshot,
        NamedVms names,
        Precedence precedence
    )
    {
        if (verdict.Vmi is { Spec.DedicatedCpuPlacement: false })
        {
            return NotDedicated(Reason.DedicatedCpusNotRequested, NodeDedication.NotRequested);
        }

        if (!names.IsEmpty)
        {
            return names.Contain(verdict)
                ? verdict with
                {
                    Dedicated = true,
                }
                : NotDedicated(Reason.NotNamed, "not named with --vm");
        }

        return verdict.Vmi is not null || Infer(verdict, snapshot, precedence) is not { } obstacle
            ? verdict with
            {
                Dedicated = true,
            }
            : verdict with
            {
                Obstacle = obstacle,
            };

        DedicationVerdict NotDedicated(Reason reason, string message) =>
            verdict with
            {
                Obstacle = new Standing(VmState.NotDedicated, reason, message),
            };
    }

    private static Standing? Infer(
        DedicationVerdict verdict,
        NodeSnapshot snapshot,
        Precedence precedence
    )
    {
        var vm = verdict.Vm;
        if (verdict.Cpus is not { Cpus: var cpuset } cpus)
        {
            return NodeDedication.Unreadable(vm);
        }

        if (!cpus.IsGiven)
        {
            return new Standing(
                VmState.NotDedicated,
                Reason.NoCpusetOfItsOwn,
                CpuGrants.IsConfinedByUnknown(vm, snapshot.EverybodysCpus)
                    ? CpuOwnership.CameTooLate(verdict)
                    : $"no cgroup from {vm.Cgroup?.Path} upwards has a cpuset of its own, so the VM shares CPUs {cpuset} with "
                        + "everything else: give it one, or name the guest with --vm"
            );
        }

        var rival = snapshot.Vms.FirstOrDefault(other =>
            other.Key != vm.Key
            && other.HasVcpus
            && precedence.IsConfined(other)
            && precedence.CpusOf(other)!.Overlaps(cpuset)
            && !precedence.IsFirst(vm, other)
        );
        if (rival is not null)
        {
            return new Standing(
                VmState.NotDedicated,
                Reason.CpusetOverlaps,
                $"CPUs {cpuset.Intersect(precedence.CpusOf(rival)!)} are also in the cpuset of {Describe(rival)}, "
                    + (
                        precedence.Why(rival, vm) is { } why
                            ? $"which {why}"
                            : "so neither VM can have been meant to have them alone"
                    )
            );
        }

        var vcpus = CpuGrants.Vcpus(vm);
        return cpuset.Count >= vcpus
            ? null
            : new Standing(
                VmState.NotDedicated,
                Reason.CpusetTooSmall,
                $"the cpuset {cpuset} has fewer CPUs than the guest's {vcpus} vCPUs"
            );
    }

    private static string Describe(ObservedVm vm) =>
        vm.GuestName is { } name ? $"guest {name} (pid {vm.Key.Pid})" : $"pid {vm.Key.Pid}";
}
