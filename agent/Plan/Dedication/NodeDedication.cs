using System.Collections.Immutable;
using PinAgent.Model.Node;
using PinAgent.Model.Vm;
using PinAgent.Plan.Rivals;

namespace PinAgent.Plan.Dedication;

/// <summary>
/// Decides which VMs are dedicated, and whether their CPUs are theirs alone. On a plain host, dedicated are those named,
/// those whose VMI says so, or else those that somebody has given a cpuset of their own.
/// </summary>
internal static class NodeDedication
{
    /// <summary>The sentence about a VMI that isn't dedicated.</summary>
    public const string NotRequested =
        "the VMI doesn't ask for dedicated CPUs: spec.domain.cpu.dedicatedCpuPlacement would";

    /// <summary>Decides for every VM, in the snapshot's order.</summary>
    /// <param name="settings">What the administrator has told.</param>
    /// <param name="before">What was decided before about the VMs of a cluster's node.</param>
    /// <param name="claims">What is known of the VMs' claims to CPUs.</param>
    public static ImmutableArray<DedicationVerdict> Decide(
        NodeSnapshot snapshot,
        PlanSettings settings,
        Decisions before,
        Claims claims
    )
    {
        var precedence = new Precedence(claims.Held, snapshot.Topology);
        var verdicts = VmNames
            .Of(snapshot.Vms, settings.Vmis, precedence)
            .Select(verdict =>
                snapshot.Cluster is { } facts
                    ? ClusterDedication.Decide(verdict, snapshot, facts, before)
                    : Dedicate(verdict, snapshot, settings, precedence)
            )
            .ToList();
        return
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
        ];
    }

    /// <summary>The names given with <c>--vm</c> that no guest has.</summary>
    public static ImmutableArray<string> FindUnmatched(
        ImmutableArray<DedicationVerdict> verdicts,
        PlanSettings settings
    ) =>
        [
            .. settings
                .NamedVms.Where(name => !verdicts.Any(verdict => Names(name, verdict)))
                .Select(name => $"--vm {name}: no running guest has this name"),
            .. settings
                .NamedVms.Select(name => (name, Pids: PidsOf(name, verdicts)))
                .Where(named => named.Pids.Length > 1)
                .Select(named =>
                    $"--vm {named.name}: several guests have this name (pids {string.Join(", ", named.Pids)}), and each is "
                    + "judged by its own CPUs"
                ),
        ];

    private static ImmutableArray<int> PidsOf(
        string name,
        ImmutableArray<DedicationVerdict> verdicts
    ) => [.. verdicts.Where(verdict => Names(name, verdict)).Select(verdict => verdict.Vm.Key.Pid)];

    private static DedicationVerdict Dedicate(
        DedicationVerdict verdict,
        NodeSnapshot snapshot,
        PlanSettings settings,
        Precedence precedence
    )
    {
        if (verdict.Vmi is { Spec.DedicatedCpuPlacement: false })
        {
            return NotDedicated(Reason.DedicatedCpusNotRequested, NotRequested);
        }

        if (!settings.NamedVms.IsEmpty)
        {
            return settings.NamedVms.Any(name => Names(name, verdict))
                ? verdict with
                {
                    Dedicated = true,
                }
                : NotDedicated(Reason.NotNamed, "not named with --vm");
        }

        if (verdict.Vmi is not null || Infer(verdict.Vm, snapshot, precedence) is not { } obstacle)
        {
            return verdict with { Dedicated = true };
        }

        return verdict with
        {
            Obstacle = obstacle,
        };

        DedicationVerdict NotDedicated(Reason reason, string message) =>
            verdict with
            {
                Obstacle = new Standing(VmState.NotDedicated, reason, message),
            };
    }

    private static bool Names(string name, DedicationVerdict verdict) =>
        name == verdict.Vm.GuestName || name == $"{verdict.Namespace}/{verdict.Name}";

    private static Standing? Infer(ObservedVm vm, NodeSnapshot snapshot, Precedence precedence)
    {
        if (vm.Cpuset is not { } cpuset)
        {
            return Unreadable(vm);
        }

        if (!precedence.IsConfined(vm))
        {
            return new Standing(
                VmState.NotDedicated,
                Reason.NoCpusetOfItsOwn,
                $"no cgroup from {vm.Cgroup?.Path} upwards has a cpuset of its own, so the VM shares CPUs {cpuset} with "
                    + "everything else: give it one, or name the guest with --vm"
            );
        }

        var rival = snapshot.Vms.FirstOrDefault(other =>
            other.Key != vm.Key
            && other.HasVcpus
            && precedence.IsConfined(other)
            && other.Cpuset!.Overlaps(cpuset)
            && !precedence.IsFirst(vm, other)
        );
        if (rival is not null)
        {
            return new Standing(
                VmState.NotDedicated,
                Reason.CpusetOverlaps,
                $"CPUs {cpuset.Intersect(rival.Cpuset!)} are also in the cpuset of {Describe(rival)}, "
                    + (
                        precedence.Why(rival, vm) is { } why
                            ? $"which {why}"
                            : "so neither VM can have been meant to have them alone"
                    )
            );
        }

        var vcpus = Math.Max(
            vm.Threads.Count(thread => thread.Role == ThreadRole.Vcpu),
            vm.Problem is null ? 1 : vm.Guest.BootVcpus
        );
        return cpuset.Count >= vcpus
            ? null
            : new Standing(
                VmState.NotDedicated,
                Reason.CpusetTooSmall,
                $"the cpuset {cpuset} has fewer CPUs than the guest's {vcpus} vCPUs"
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

        if (vm.Cpuset is not { } cpuset)
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

        if (verdict.Vmi is not null && vm.GivenCpuset is null)
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
                    .. verdict.Vmi is not null || precedence.IsConfined(vm)
                        ? (string[])[]
                        :
                        [
                            $"CPUs {cpuset} are every CPU there is: whatever else runs here shares them",
                        ],
                ],
            };

        DedicationVerdict NotExclusive(Reason reason, string message) =>
            verdict with
            {
                Obstacle = new Standing(VmState.NotExclusive, reason, message),
            };
    }

    private static Standing Unreadable(ObservedVm vm) =>
        vm.Problem is { } problem
            ? problem with
            {
                State = VmState.Waiting,
            }
            : new(VmState.Waiting, Reason.CpusetUnreadable, "the VM's cpuset couldn't be read");

    private static string Describe(ObservedVm vm) =>
        vm.GuestName is { } name ? $"guest {name} (pid {vm.Key.Pid})" : $"pid {vm.Key.Pid}";
}
