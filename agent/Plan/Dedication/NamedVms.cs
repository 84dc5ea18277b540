using System.Collections.Immutable;
using PinAgent.Model.Cpu;
using PinAgent.Model.Node;
using PinAgent.Model.Vm;
using PinAgent.Plan.Ownership;
using PinAgent.Plan.Rivals;

namespace PinAgent.Plan.Dedication;

/// <summary>Which guests <c>--vm</c> means, and which CPUs it gives them. Pure.</summary>
internal sealed class NamedVms
{
    private readonly ImmutableArray<(NamedGuest Told, string Name, CpuSet? Cpus)> _all;
    private readonly IReadOnlyCollection<DedicationVerdict> _verdicts;
    private readonly Precedence? _precedence;

    private NamedVms(
        ImmutableArray<(NamedGuest, string, CpuSet?)> all,
        IReadOnlyCollection<DedicationVerdict> verdicts,
        Precedence? precedence
    ) => (_all, _verdicts, _precedence) = (all, verdicts, precedence);

    /// <summary>Whether none is named.</summary>
    public bool IsEmpty => _all.IsEmpty;

    /// <summary>What was told, with regard to the guests there are.</summary>
    /// <param name="precedence">Who has the better right to a name; null where that isn't asked.</param>
    public static NamedVms Of(
        ImmutableArray<NamedGuest> told,
        IReadOnlyCollection<DedicationVerdict> verdicts,
        Precedence? precedence = null
    ) =>
        new(
            [
                .. told.Select(vm =>
                    // A guest may be called db1=4-7. It doesn't keep db1 from what was told for it.
                    vm.Cpus
                        is not null
                    && !verdicts.Any(verdict => Means(vm.Name, verdict))
                    && verdicts.Any(verdict => Means(vm.Text, verdict))
                        ? (vm, vm.Text, null)
                        : (vm, vm.Name, vm.Cpus)
                ),
            ],
            verdicts,
            precedence
        );

    /// <summary>Whether a VM is named.</summary>
    public bool Contain(DedicationVerdict verdict) => _all.Any(named => Means(named.Name, verdict));

    /// <summary>Whether a name is a VM's alone: what calls itself as another VM does has no claim by it.</summary>
    public bool Own(DedicationVerdict verdict) => _all.Any(named => IsOwn(named.Name, verdict));

    /// <summary>The CPUs that a VM is to have; null if none are told.</summary>
    public CpuSet? CpusOf(DedicationVerdict verdict) =>
        _all.Where(named => IsOwn(named.Name, verdict))
            .Select(named => named.Cpus)
            .FirstOrDefault(cpus => cpus is not null);

    /// <summary>Whether each that is named is there.</summary>
    public bool AreAllThere =>
        _all.All(named => _verdicts.Any(verdict => Means(named.Name, verdict)));

    /// <summary>What is named and isn't there, or not clear.</summary>
    public IEnumerable<string> Notices() =>
        [
            .. _all.Where(named => !_verdicts.Any(verdict => Means(named.Name, verdict)))
                .Select(named => $"--vm {named.Told.Text}: no running guest has this name"),
            .. _all.Select(named =>
                    (
                        named.Told,
                        Pids: _verdicts
                            .Where(verdict => Means(named.Name, verdict))
                            .Select(verdict => verdict.Vm.Key.Pid)
                            .ToList()
                    )
                )
                .Where(named => named.Pids.Count > 1)
                .Select(named =>
                    $"--vm {named.Told.Text}: several guests have this name (pids {string.Join(", ", named.Pids)}), and each is "
                    + "judged by its own CPUs"
                ),
        ];

    private bool IsOwn(string name, DedicationVerdict verdict) =>
        IsOf(name, verdict)
        && !_verdicts.Any(other =>
            other.Vm.Key != verdict.Vm.Key
            && IsOf(name, other)
            && !HasBetterRight(verdict.Vm, other.Vm)
        );

    // The kubelet made a pod's cgroup. What runs beside it under the pod's guest's name is somebody else; but a pod's guest is
    // called as its tenant likes, and takes no name from one that is held.
    private bool HasBetterRight(ObservedVm vm, ObservedVm other) =>
        CpuGrants.IsInPod(vm) != CpuGrants.IsInPod(other)
        && _precedence?.CompareHeld(vm, other) switch
        {
            < 0 => true,
            > 0 => false,
            _ => CpuGrants.IsInPod(vm),
        };

    private static bool Means(string name, DedicationVerdict verdict) =>
        name == verdict.Vm.GuestName || IsOf(name, verdict);

    private static bool IsOf(string name, DedicationVerdict verdict) =>
        name == verdict.Name
        || name == $"{verdict.Namespace}/{verdict.Name}"
        || name == $"{verdict.Namespace}_{verdict.Name}";
}
