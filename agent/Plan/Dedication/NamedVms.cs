using System.Collections.Immutable;
using PinAgent.Model.Cpu;
using PinAgent.Model.Node;

namespace PinAgent.Plan.Dedication;

/// <summary>Which guests <c>--vm</c> means, and which CPUs it gives them. Pure.</summary>
internal sealed class NamedVms
{
    private readonly ImmutableArray<(NamedGuest Told, string Name, CpuSet? Cpus)> _all;

    private NamedVms(ImmutableArray<(NamedGuest, string, CpuSet?)> all) => _all = all;

    /// <summary>Whether none is named.</summary>
    public bool IsEmpty => _all.IsEmpty;

    /// <summary>What was told, with regard to the guests there are.</summary>
    public static NamedVms Of(
        ImmutableArray<NamedGuest> told,
        IReadOnlyCollection<DedicationVerdict> verdicts
    ) =>
        new([
            .. told.Select(vm =>
                // A guest may be called db1=4-7. It doesn't keep db1 from what was told for it.
                vm.Cpus
                    is not null
                && !verdicts.Any(verdict => Means(vm.Name, verdict))
                && verdicts.Any(verdict => Means(vm.Text, verdict))
                    ? (vm, vm.Text, null)
                    : (vm, vm.Name, vm.Cpus)
            ),
        ]);

    /// <summary>Whether a VM is named.</summary>
    public bool Contain(DedicationVerdict verdict) => _all.Any(named => Means(named.Name, verdict));

    /// <summary>Whether a name is a VM's alone: what calls itself as another VM does has no claim by it.</summary>
    public bool Own(DedicationVerdict verdict) => _all.Any(named => IsOf(named.Name, verdict));

    /// <summary>The CPUs that a VM is to have; null if none are told.</summary>
    public CpuSet? CpusOf(DedicationVerdict verdict) =>
        _all.Where(named => IsOf(named.Name, verdict))
            .Select(named => named.Cpus)
            .FirstOrDefault(cpus => cpus is not null);

    /// <summary>Whether each that is named is there.</summary>
    public bool AreAllAmong(ImmutableArray<DedicationVerdict> verdicts) =>
        _all.All(named => verdicts.Any(verdict => Means(named.Name, verdict)));

    /// <summary>What is named and isn't there, or not clear.</summary>
    public IEnumerable<string> Notices(ImmutableArray<DedicationVerdict> verdicts) =>
        [
            .. _all.Where(named => !verdicts.Any(verdict => Means(named.Name, verdict)))
                .Select(named => $"--vm {named.Told.Text}: no running guest has this name"),
            .. _all.Select(named =>
                    (
                        named.Told,
                        Pids: verdicts
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

    private static bool Means(string name, DedicationVerdict verdict) =>
        name == verdict.Vm.GuestName || IsOf(name, verdict);

    private static bool IsOf(string name, DedicationVerdict verdict) =>
        name == verdict.Name
        || name == $"{verdict.Namespace}/{verdict.Name}"
        || name == $"{verdict.Namespace}_{verdict.Name}";
}
