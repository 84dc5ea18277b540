using PinAgent.Model.Cpu;
using PinAgent.Model.Node;
using PinAgent.Model.Vm;
using PinAgent.Plan.Dedication;
using PinAgent.Plan.Rivals;

namespace PinAgent.Plan.Ownership;

/// <summary>
/// The last word on which CPUs are whose on a plain host: what the administrator says is checked against the cgroup, and those
/// that he names and nobody has given CPUs get some that no other VM has. Pure.
/// </summary>
internal static class CpuOwnership
{
    /// <summary>Decides.</summary>
    /// <param name="verdicts">The VMs, with the CPUs that were given to them.</param>
    /// <param name="seen">What is known of them from before.</param>
    public static (List<DedicationVerdict> Verdicts, CpuClaims Cpus) Decide(
        IReadOnlyList<DedicationVerdict> verdicts,
        NodeSnapshot snapshot,
        NamedVms names,
        Claims claims,
        CpuClaims seen
    )
    {
        var online = snapshot.Topology.Online;
        var checkedOnes = verdicts
            .Select(verdict => CheckTold(verdict, online))
            .Select(verdict => CheckWish(verdict, snapshot, names, claims, seen))
            .ToList();
        // What was chosen for one that can't be told, or read, for a while isn't another's meanwhile.
        var kept = checkedOnes
            .Where(verdict =>
                verdict is { Dedicated: true, Cpus: null or { Source: CpuSource.Inherited } }
                && !IsWish(verdict)
            )
            .Select(verdict => (verdict.Vm.Key, seen.Find(verdict.Vm.Key).Chosen))
            .Where(vm => vm.Chosen is not null)
            .ToDictionary(vm => vm.Key, vm => vm.Chosen!);
        var choice = CpuChoice.Of(
            [
                .. checkedOnes
                    .Where(IsWish)
                    .OrderBy(verdict => claims.Held.Since(verdict.Vm.Key) ?? long.MaxValue)
                    .ThenBy(verdict => verdict.Vm.Key.StartTime)
                    .ThenBy(verdict => verdict.Vm.Key.Pid)
                    .Select(verdict => ToWish(verdict, snapshot, claims, seen)),
            ],
            snapshot.Topology,
            Union(checkedOnes.Where(IsOwner))
                .Union(CpuSet.UnionOf(kept.Values.Select(chosen => chosen.Own))),
            Union(checkedOnes.Where(verdict => verdict.Cpus is { IsOwnWord: true }))
        );
        var own = checkedOnes
            .Select(verdict => verdict with { Cpus = Chosen(verdict, choice) })
            .ToList();
        return (
            [
                .. own.Select(verdict =>
                    choice.Refused.TryGetValue(verdict.Vm.Key, out var sum)
                        ? verdict with
                        {
                            Obstacle = VmBeginning.IsOf(verdict.Vm.Key, claims.Now)
                                ? new(
                                    VmState.Waiting,
                                    Reason.VcpuThreadsStarting,
                                    $"QEMU has just started, and may still be given CPUs; if it isn't: {sum}"
                                )
                                : new(VmState.Refused, Reason.NotEnoughCpus, sum),
                        }
                        : WithoutOthers(verdict, own, online)
                ),
            ],
            seen.With(choice.Remembered.Concat(kept).ToDictionary())
        );
    }

    /// <summary>Whether nobody has given the VM CPUs, so that some are chosen for it once it has vCPUs. A pod's are the kubelet's.</summary>
    public static bool AreToBeChosen(DedicationVerdict verdict) =>
        verdict is { Vmi: null, Cpus.Source: CpuSource.Inherited } && !verdict.Vm.IsInPod;

    /// <summary>Why it isn't known which CPUs a VM was given, though it hasn't all.</summary>
    public static string CameTooLate(DedicationVerdict verdict)
    {
        var cpus = CpuSet.UnionOf(CpuGrants.VcpuMasks(verdict.Vm));
        return $"masks keep its vCPUs on CPUs {cpus}, and no cgroup does: they were set before the agent saw the VM begin, so "
            + $"whether all of these are the VM's isn't known; say it with --vm {verdict.Name}={cpus}, or give it a cpuset";
    }

    // The kernel wouldn't let a thread on others, and PinAgent writes no cgroup.
    private static DedicationVerdict CheckTold(DedicationVerdict verdict, CpuSet online)
    {
        if (verdict.Cpus is not { Source: CpuSource.Administrator, Cpus: var told })
        {
            return verdict;
        }

        var vm = verdict.Vm;
        var option = $"--vm {verdict.Name}={told}";
        var unknown = told.Except(online);
        var outside = told.Except(vm.Cpuset ?? CpuSet.Empty);
        return !unknown.IsEmpty
                ? Refused(
                    Reason.UnknownCpu,
                    $"{option}: CPUs {unknown} aren't online; the machine has {online}"
                )
            : !outside.IsEmpty
                ? Refused(
                    Reason.Confined,
                    $"{option}: CPUs {outside} aren't among those of its cgroup, {vm.Cpuset} "
                        + $"({vm.CpusetFile ?? vm.Cgroup?.Path}), and PinAgent writes no cgroup: widen it there, or name others"
                )
            : verdict;

        DedicationVerdict Refused(Reason reason, string message) =>
            verdict with
            {
                Obstacle = verdict.Obstacle ?? new(VmState.Refused, reason, message),
            };
    }

    private static DedicationVerdict CheckWish(
        DedicationVerdict verdict,
        NodeSnapshot snapshot,
        NamedVms names,
        Claims claims,
        CpuClaims seen
    )
    {
        if (!IsWish(verdict))
        {
            return verdict;
        }

        if (!names.Own(verdict))
        {
            return NotExclusive(
                Reason.CpusetOverlaps,
                $"calls itself {verdict.Vm.GuestName} as another process does, and nobody has given it CPUs: which of them --vm "
                    + "means isn't known, so none are chosen for it"
            );
        }

        return
            Before(verdict.Vm, claims, seen) is null
            && CpuGrants.IsConfinedByUnknown(verdict.Vm, snapshot.EverybodysCpus)
            ? NotExclusive(Reason.NoCpusetOfItsOwn, CameTooLate(verdict))
            : verdict;

        DedicationVerdict NotExclusive(Reason reason, string message) =>
            verdict with
            {
                Obstacle = new(VmState.NotExclusive, reason, message),
            };
    }

    private static bool IsWish(DedicationVerdict verdict) =>
        verdict is { Dedicated: true, Obstacle: null, Vm.HasVcpus: true } && AreToBeChosen(verdict);

    // One that only says itself which CPUs it has takes them from nobody.
    private static bool IsOwner(DedicationVerdict verdict) =>
        verdict is { Vm.HasVcpus: true, Cpus: { IsGiven: true, IsOwnWord: false } };

    private static CpuWish ToWish(
        DedicationVerdict verdict,
        NodeSnapshot snapshot,
        Claims claims,
        CpuClaims seen
    )
    {
        var shape = VmShape.Of(verdict);
        return new(
            verdict.Vm.Key,
            shape.ToRequest(snapshot.Topology),
            Before(verdict.Vm, claims, seen),
            claims.Held.CurrentOf(shape) ?? shape.Observed
        );
    }

    // A placement that a manager, or an agent whose state is lost, has made is as good as one of ours.
    private static ChosenCpus? Before(ObservedVm vm, Claims claims, CpuClaims seen)
    {
        var chosen = seen.Find(vm.Key).Chosen;
        if (chosen is not null && !VmBeginning.IsOf(vm.Key, claims.Now))
        {
            return chosen;
        }

        var masks = CpuGrants.VcpuMasks(vm);
        var emulator = vm.Emulator?.Affinity;
        var vcpus = CpuSet.UnionOf(masks);
        if (
            emulator is null
            || !CpuGrants.IsOnePerCpu(masks)
            || (emulator.Count == 1 && emulator.IsSubsetOf(vcpus))
            || chosen?.Vcpus.Equals(vcpus) == true
        )
        {
            return chosen;
        }

        return new ChosenCpus(vcpus, emulator, EmulatorIsOwn: emulator.Count == 1);
    }

    private static VmCpus? Chosen(DedicationVerdict verdict, CpuChoice choice) =>
        choice.Chosen.TryGetValue(verdict.Vm.Key, out var chosen)
            ? new VmCpus(chosen.Own, CpuSource.Chosen)
            {
                Emulator = chosen.Emulator,
                IsByThread = verdict.Cpus is { IsByThread: true },
            }
            : verdict.Cpus;

    // An emulator that nobody has confined, beside vCPUs that somebody has, keeps off the CPUs of other VMs.
    private static DedicationVerdict WithoutOthers(
        DedicationVerdict verdict,
        IReadOnlyCollection<DedicationVerdict> all,
        CpuSet online
    )
    {
        if (
            verdict.Cpus is not { Source: CpuSource.ThreadCgroups } cpus
            || !online.IsSubsetOf(cpus.All)
        )
        {
            return verdict;
        }

        var others = Union(
            all.Where(other =>
                other.Vm.Key != verdict.Vm.Key
                && (IsOwner(other) || other.Cpus is { Source: CpuSource.Chosen })
            )
        );
        var left = cpus.Emulator.Except(others);
        return left.IsEmpty ? verdict : verdict with { Cpus = cpus with { Emulator = left } };
    }

    private static CpuSet Union(IEnumerable<DedicationVerdict> verdicts) =>
        CpuSet.UnionOf(verdicts.Select(verdict => verdict.Cpus?.Cpus ?? CpuSet.Empty));
}
