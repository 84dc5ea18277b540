using System.Collections.Immutable;
using PinAgent.Model.Kubernetes;
using PinAgent.Model.Node;
using PinAgent.Model.Vm;

namespace PinAgent.Plan.Dedication;

/// <summary>Whether a VM is ours to pin, and how that is known.</summary>
/// <param name="Vm">The VM.</param>
/// <param name="Namespace">Its namespace.</param>
/// <param name="Name">Its name.</param>
internal sealed record DedicationVerdict(ObservedVm Vm, string Namespace, string Name)
{
    /// <summary>The VM's VMI, where there is one.</summary>
    public VmiFacts? Vmi { get; init; }

    /// <summary>Where the facts come from.</summary>
    public FactSource Source { get; init; } = FactSource.Inferred;

    /// <summary>Whether the VM asks for dedicated CPUs.</summary>
    public bool Dedicated { get; init; }

    /// <summary>Why it isn't to be pinned; null if it is.</summary>
    public VmObstacle? Obstacle { get; init; }

    /// <summary>What an administrator should know.</summary>
    public ImmutableArray<string> Advisories { get; init; } = [];

    /// <summary>Who tells which exclusive CPUs of it; null if they agree.</summary>
    public string? Disagreement { get; init; }

    /// <summary>How far an annotation or a release lowers the agent's mode for this VM.</summary>
    public ModeLimit Limit { get; init; }

    /// <summary>Whether it was given back with <c>pinagent release</c>.</summary>
    public bool IsReleased { get; init; }

    /// <summary>What lowers the mode; null if nothing does.</summary>
    public string? LimitMessage { get; init; }

    /// <summary>What is to be kept of it for this container; null outside a cluster.</summary>
    public Decision? Decision { get; init; }
}

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
    /// <param name="snapshot">The node.</param>
    /// <param name="settings">What the administrator has told.</param>
    /// <param name="before">What was decided before about the VMs of a cluster's node.</param>
    public static ImmutableArray<DedicationVerdict> Decide(
        NodeSnapshot snapshot,
        PlanSettings settings,
        Decisions before
    )
    {
        var verdicts = VmNames
            .Of(snapshot.Vms, settings.Vmis)
            .Select(verdict =>
                snapshot.Cluster is { } facts
                    ? ClusterDedication.Decide(verdict, snapshot, facts, before)
                    : Dedicate(verdict, snapshot, settings)
            )
            .ToList();
        return
        [
            .. verdicts
                .Select(verdict => CheckCpus(verdict, verdicts, snapshot))
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
        PlanSettings settings
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

        if (verdict.Vmi is not null || Infer(verdict.Vm, snapshot) is not { } obstacle)
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
                Obstacle = new VmObstacle(VmState.NotDedicated, reason, message),
            };
    }

    private static bool Names(string name, DedicationVerdict verdict) =>
        name == verdict.Vm.GuestName || name == $"{verdict.Namespace}/{verdict.Name}";

    private static VmObstacle? Infer(ObservedVm vm, NodeSnapshot snapshot)
    {
        if (vm.Cpuset is not { } cpuset)
        {
            return Unreadable(vm);
        }

        if (!IsConfined(vm, snapshot))
        {
            return new VmObstacle(
                VmState.NotDedicated,
                Reason.NoCpusetOfItsOwn,
                $"no cgroup from {vm.Cgroup?.Path} upwards has a cpuset of its own, so the VM shares CPUs {cpuset} with "
                    + "everything else: give it one, or name the guest with --vm"
            );
        }

        var rival = snapshot.Vms.FirstOrDefault(other =>
            other.Key != vm.Key
            && other.HasVcpus
            && IsConfined(other, snapshot)
            && other.Cpuset!.Overlaps(cpuset)
        );
        if (rival is not null)
        {
            return new VmObstacle(
                VmState.NotDedicated,
                Reason.CpusetOverlaps,
                $"CPUs {cpuset.Intersect(rival.Cpuset!)} are also in the cpuset of {Describe(rival)}, so neither VM can "
                    + "have been meant to have them alone"
            );
        }

        var vcpus = Math.Max(
            vm.Threads.Count(thread => thread.Role == ThreadRole.Vcpu),
            vm.Problem is null ? 1 : vm.Guest.BootVcpus
        );
        return cpuset.Count >= vcpus
            ? null
            : new VmObstacle(
                VmState.NotDedicated,
                Reason.CpusetTooSmall,
                $"the cpuset {cpuset} has fewer CPUs than the guest's {vcpus} vCPUs"
            );
    }

    // Given, to this VM's cgroup or one above it, and less than everything. v2 keeps offline CPUs in what was given.
    private static bool IsConfined(ObservedVm vm, NodeSnapshot snapshot) =>
        vm is { Cpuset: not null, GivenCpuset: { } given }
        && !snapshot.Topology.Online.IsSubsetOf(given);

    private static DedicationVerdict CheckCpus(
        DedicationVerdict verdict,
        List<DedicationVerdict> all,
        NodeSnapshot snapshot
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

        var rival = all.Find(other =>
            other is { Dedicated: true, Obstacle: null, Vm: { HasVcpus: true, Cpuset: { } theirs } }
            && other.Vm.Key != vm.Key
            && theirs.Overlaps(cpuset)
            // Who may use every CPU overlaps everybody, and takes nothing from one who has CPUs of its own.
            && (IsConfined(other.Vm, snapshot) || !IsConfined(vm, snapshot))
        );
        if (rival is not null)
        {
            return NotExclusive(
                Reason.CpusetOverlaps,
                $"CPUs {cpuset.Intersect(rival.Vm.Cpuset!)} are also those of {rival.Namespace}/{rival.Name} (pid "
                    + $"{rival.Vm.Key.Pid}), which is dedicated too"
            );
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
                Obstacle = new VmObstacle(
                    problem.Reason == Reason.VcpusShareOneThread
                        ? VmState.Refused
                        : VmState.Waiting,
                    problem.Reason,
                    problem.Message
                ),
            }
            : verdict with
            {
                Advisories =
                [
                    .. verdict.Advisories,
                    .. CpuAdvisories.Of(vm, cpuset, snapshot.Topology),
                    .. verdict.Vmi is not null || IsConfined(vm, snapshot)
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
                Obstacle = new VmObstacle(VmState.NotExclusive, reason, message),
            };
    }

    private static VmObstacle Unreadable(ObservedVm vm) =>
        new(
            VmState.Waiting,
            vm.Problem?.Reason ?? Reason.CpusetUnreadable,
            vm.Problem?.Message ?? "the VM's cpuset couldn't be read"
        );

    private static string Describe(ObservedVm vm) =>
        vm.GuestName is { } name ? $"guest {name} (pid {vm.Key.Pid})" : $"pid {vm.Key.Pid}";
}
