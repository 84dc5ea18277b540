using System.Collections.Immutable;
using PinAgent.Model.Cpu;
using PinAgent.Model.Node;
using PinAgent.Model.Vm;
using PinAgent.Plan.Rivals;

namespace PinAgent.Plan.Dedication;

/// <summary>Which guests <c>--vm</c> means, and which CPUs it gives them. Pure.</summary>
internal sealed class NamedVms
{
    private readonly List<Named> _all = [];
    private readonly HashSet<VmKey> _meant = [];
    private readonly HashSet<VmKey> _owners = [];
    private readonly Dictionary<VmKey, CpuSet> _cpus = [];

    private NamedVms() { }

    /// <summary>Whether none is named.</summary>
    public bool IsEmpty => _all.Count == 0;

    /// <summary>What was told, with regard to the guests there are.</summary>
    /// <param name="precedence">Who has the better right to a name.</param>
    public static NamedVms Of(
        ImmutableArray<NamedGuest> told,
        IReadOnlyCollection<DedicationVerdict> verdicts,
        Precedence precedence
    )
    {
        var named = new NamedVms();
        if (told.IsEmpty)
        {
            return named;
        }

        // Looked up and not searched: an administrator may tell as many names as the node has guests.
        var byName = VmNameMatch.ByName(verdicts, verdict => (verdict.Namespace, verdict.Name));
        var byGuest = verdicts
            .Where(verdict => verdict.Vm.GuestName is not null)
            .ToLookup(verdict => verdict.Vm.GuestName!);
        foreach (var vm in told)
        {
            // A guest may be called db1=4-7. It doesn't keep db1 from what was told for it.
            var isWhole = vm.Cpus is not null && !IsAny(vm.Name) && IsAny(vm.Text);
            var name = isWhole ? vm.Text : vm.Name;
            var called = VmNameMatch.Find(
                name,
                [.. byName[name]],
                verdict => (verdict.Namespace, verdict.Name, Pid: 0)
            );
            named.Add(vm, isWhole ? null : vm.Cpus, called, byGuest[name], precedence);
        }

        return named;

        bool IsAny(string name) => byName.Contains(name) || byGuest.Contains(name);
    }

    /// <summary>Whether a VM is named.</summary>
    public bool Contain(DedicationVerdict verdict) => _meant.Contains(verdict.Vm.Key);

    /// <summary>Whether a name is a VM's alone: what calls itself as another VM does has no claim by it.</summary>
    public bool Own(DedicationVerdict verdict) => _owners.Contains(verdict.Vm.Key);

    /// <summary>The CPUs that a VM is to have; null if none are told.</summary>
    public CpuSet? CpusOf(DedicationVerdict verdict) => _cpus.GetValueOrDefault(verdict.Vm.Key);

    /// <summary>Whether each that is named is there.</summary>
    public bool AreAllThere => _all.TrueForAll(named => named.Pids.Count > 0);

    /// <summary>What is named and isn't there, or not clear.</summary>
    public IEnumerable<string> Notices() =>
        [
            .. _all.Where(named => named.Pids.Count == 0)
                .Select(named => $"--vm {named.Told.Text}: no running guest has this name"),
            .. _all.Where(named => named.Pids.Count > 1)
                .Select(named =>
                    $"--vm {named.Told.Text}: several guests have this name (pids {string.Join(", ", named.Pids)}), and each is "
                    + "judged by its own CPUs"
                ),
        ];

    private void Add(
        NamedGuest told,
        CpuSet? cpus,
        IEnumerable<DedicationVerdict> called,
        IEnumerable<DedicationVerdict> guests,
        Precedence precedence
    )
    {
        var own = called.Select(verdict => verdict.Vm).ToList();
        var meant = own.Concat(guests.Select(verdict => verdict.Vm))
            .Select(vm => vm.Key)
            .ToHashSet();
        _meant.UnionWith(meant);
        _all.Add(new(told, [.. meant.Select(vm => vm.Pid).Order()]));
        foreach (var vm in own)
        {
            if (own.TrueForAll(other => other.Key == vm.Key || IsFirst(vm, other, precedence)))
            {
                _owners.Add(vm.Key);
                if (cpus is not null)
                {
                    _cpus.TryAdd(vm.Key, cpus);
                }
            }
        }
    }

    // The kubelet made a pod's cgroup. What runs beside it under the pod's guest's name is somebody else; but a pod's guest is
    // called as its tenant likes, and takes no name from one that is held.
    private static bool IsFirst(ObservedVm vm, ObservedVm other, Precedence precedence) =>
        vm.IsInPod != other.IsInPod
        && precedence.CompareHeld(vm, other) switch
        {
            < 0 => true,
            > 0 => false,
            _ => vm.IsInPod,
        };

    private sealed record Named(NamedGuest Told, IReadOnlyList<int> Pids);
}
