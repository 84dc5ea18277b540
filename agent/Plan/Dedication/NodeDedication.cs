using System.Collections.Immutable;
using PinAgent.Model.Node;
using PinAgent.Model.Vm;
using PinAgent.Plan.Ownership;
using PinAgent.Plan.Rivals;

namespace PinAgent.Plan.Dedication;

/// <summary>Decides which VMs are dedicated, which CPUs are theirs, and whether these are theirs alone.</summary>
internal static class NodeDedication
{
    /// <summary>The sentence about a VMI that isn't dedicated.</summary>
    public const string NotRequested =
        "the VMI doesn't ask for dedicated CPUs: spec.domain.cpu.dedicatedCpuPlacement would";

    /// <summary>Decides for every VM, in the snapshot's order.</summary>
    /// <param name="settings">What the administrator has told.</param>
    /// <param name="before">What was decided before about the VMs of a cluster's node.</param>
    /// <param name="claims">What is known of the VMs' claims to CPUs.</param>
    /// <returns>The verdicts, which VMs <c>--vm</c> means, and what is to be known of the VMs' CPUs in the next pass.</returns>
    public static (
        ImmutableArray<DedicationVerdict> Verdicts,
        NamedVms Names,
        CpuClaims Cpus
    ) Decide(NodeSnapshot snapshot, PlanSettings settings, Decisions before, Claims claims)
    {
        var precedence = new Precedence(claims.Held, claims.Cpus, snapshot.Topology);
        var named = VmNames.Of(snapshot.Vms, settings.Vmis, precedence).ToList();
        var names = NamedVms.Of(settings.NamedVms, named, precedence);
        var cpus = CpuClaims.None;
        List<DedicationVerdict> verdicts;
        if (snapshot.Cluster is { } facts)
        {
            verdicts =
            [
                .. named.Select(verdict =>
                    ClusterDedication.Decide(verdict, snapshot, facts, before) with
                    {
                        Cpus = CpuGrants.OfContainer(verdict.Vm),
                    }
                ),
            ];
        }
        else
        {
            (verdicts, precedence, cpus) = HostDedication.Decide(named, snapshot, names, claims);
        }

        return (
            [
                .. verdicts
                    .Select(verdict => CheckCpus(verdict, verdicts, snapshot, precedence, claims))
                    .Select(verdict =>
                        verdict with
                        {
                            Disagreement = CpuCrossCheck.Of(verdict, snapshot),
                        }
                    )
                    .Select(verdict => LoweredMode.Of(verdict, settings))
                    .Select(ReadingAdvisories.AddTo),
            ],
            names,
            cpus
        );
    }

    private static DedicationVerdict CheckCpus(
        DedicationVerdict verdict,
        List<DedicationVerdict> all,
        NodeSnapshot snapshot,
        Precedence precedence,
        Claims claims
    )
    {
        var vm = verdict.Vm;
        if (verdict is { Dedicated: false } or { Obstacle: not null })
        {
            return verdict;
        }

        if (verdict.Cpus is not { Cpus: var cpuset } cpus)
        {
            return verdict with { Obstacle = Unreadable(vm) };
        }

        if (snapshot.CpuManager.SharedPool is { } pool && cpuset.Equals(pool))
        {
            return NotExclusive(
                Reason.CpusetIsSharedPool,
                $"the cpuset {cpuset} is the kubelet's shared pool: the container has no exclusive CPUs; is its pod "
                    + "Guaranteed, with whole CPUs?"
            );
        }

        if (Overlap.Find(verdict, all, snapshot, precedence) is { } overlap)
        {
            verdict = verdict with { Overlap = overlap };
            if (snapshot.Cluster is null || claims.Overlaps.HasLasted(vm.Key, claims.Now))
            {
                return NotExclusive(Reason.CpusetOverlaps, overlap.Message);
            }
        }

        if (verdict.Vmi is not null && vm.GivenCpuset is null && !cpus.IsGiven)
        {
            return NotExclusive(
                Reason.NoCpusetOfItsOwn,
                $"the VMI asks for dedicated CPUs, but no cgroup from {vm.Cgroup?.Path} upwards has a cpuset of its own"
            );
        }

        return vm.Problem is { } problem
            ? verdict with
            {
                Obstacle = problem,
            }
            : verdict with
            {
                Advisories =
                [
                    .. verdict.Advisories,
                    .. CpuAdvisories.Of(vm, cpuset, snapshot.Topology),
                    .. CpuAdvisories.OfSource(cpus, isTold: verdict.Vmi is not null) is { } advisory
                        ? [advisory]
                        : (string[])[],
                ],
            };

        DedicationVerdict NotExclusive(Reason reason, string message) =>
            verdict with
            {
                Obstacle = new Standing(VmState.NotExclusive, reason, message),
            };
    }

    /// <summary>Why nothing is known of a VM's CPUs.</summary>
    internal static Standing Unreadable(ObservedVm vm) =>
        vm.Problem is { } problem
            ? problem with
            {
                State = VmState.Waiting,
            }
            : new(VmState.Waiting, Reason.CpusetUnreadable, "the VM's cpuset couldn't be read");
}
