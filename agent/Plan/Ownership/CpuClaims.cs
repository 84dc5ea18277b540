using System.Collections.Immutable;
using PinAgent.Model.Cpu;
using PinAgent.Model.Vm;

namespace PinAgent.Plan.Ownership;

/// <summary>What is known of a plain host's VM that can't be seen any more once the agent has pinned it.</summary>
internal sealed record CpuClaim
{
    /// <summary>Nothing.</summary>
    public static readonly CpuClaim None = new();

    /// <summary>The mask that its first thread had at first sight; null if that wasn't seen.</summary>
    public CpuSet? InitialMask { get; init; }

    /// <summary>
    /// Whether every process had it then, so that it says nothing, even if processes have more CPUs later: some come online.
    /// </summary>
    public bool IsEverybodys { get; init; }

    /// <summary>Whether a vCPU was seen outside that mask in the VM's first seconds: then the mask isn't meant for vCPUs.</summary>
    public bool IsPlacedElsewhere { get; init; }

    /// <summary>What the agent has chosen for it; null if nothing.</summary>
    public ChosenCpus? Chosen { get; init; }

    /// <summary>Whether it has had a placement: who takes its name later is somebody else, over the agent's restart too.</summary>
    public bool WasPlaced { get; init; }
}

/// <summary>What the agent has chosen for a VM.</summary>
/// <param name="Vcpus">As many CPUs as it has vCPUs.</param>
/// <param name="Emulator">Where its other threads go: a CPU of its own, or what is left to the host.</param>
/// <param name="EmulatorIsOwn">Whether that is its own.</param>
internal sealed record ChosenCpus(CpuSet Vcpus, CpuSet Emulator, bool EmulatorIsOwn)
{
    /// <summary>The CPUs that no other VM is to have.</summary>
    public CpuSet Own => EmulatorIsOwn ? Vcpus.Union(Emulator) : Vcpus;
}

/// <summary>What is known of all VMs of a plain host; a value that goes from one pass to the next.</summary>
internal sealed class CpuClaims
{
    /// <summary>Nothing is known.</summary>
    public static readonly CpuClaims None = new(ImmutableDictionary<VmKey, CpuClaim>.Empty);

    private readonly ImmutableDictionary<VmKey, CpuClaim> _all;

    private CpuClaims(ImmutableDictionary<VmKey, CpuClaim> all) => _all = all;

    /// <summary>All of them.</summary>
    public IEnumerable<KeyValuePair<VmKey, CpuClaim>> All => _all;

    /// <summary>Those that were known before.</summary>
    public static CpuClaims Of(IEnumerable<KeyValuePair<VmKey, CpuClaim>> all) =>
        new(ImmutableDictionary.CreateRange(all));

    /// <summary>What is known of a VM.</summary>
    public CpuClaim Find(VmKey vm) => _all.GetValueOrDefault(vm, CpuClaim.None);

    /// <summary>With what is seen of the VMs now, and without those that are gone.</summary>
    /// <param name="everybodys">The CPUs that every process may use.</param>
    /// <param name="now">The time since the machine's boot.</param>
    public CpuClaims See(ImmutableArray<ObservedVm> vms, CpuSet everybodys, TimeSpan now)
    {
        var next = _all;
        foreach (var vm in vms)
        {
            var known = Find(vm.Key);
            var seen = See(known, vm, everybodys, now);
            next = ReferenceEquals(seen, known) ? next : next.SetItem(vm.Key, seen);
        }

        var alive = vms.Select(vm => vm.Key).ToHashSet();
        next = next.RemoveRange(next.Keys.Where(vm => !alive.Contains(vm)).ToList());
        return next == _all ? this : new CpuClaims(next);
    }

    /// <summary>With what has been chosen; what was chosen for others is forgotten.</summary>
    public CpuClaims With(IReadOnlyDictionary<VmKey, ChosenCpus> chosen)
    {
        var next = _all;
        foreach (var (vm, claim) in _all)
        {
            var now = chosen.GetValueOrDefault(vm);
            next = claim.Chosen == now ? next : next.SetItem(vm, claim with { Chosen = now });
        }

        foreach (var (vm, cpus) in chosen.Where(vm => !_all.ContainsKey(vm.Key)))
        {
            next = next.SetItem(vm, new CpuClaim { Chosen = cpus });
        }

        return next == _all ? this : new CpuClaims(next);
    }

    /// <summary>With the VMs marked that have a placement.</summary>
    public CpuClaims WithPlaced(IEnumerable<VmKey> placed)
    {
        var next = _all;
        foreach (var vm in placed)
        {
            if (_all.TryGetValue(vm, out var claim) && !claim.WasPlaced)
            {
                next = next.SetItem(vm, claim with { WasPlaced = true });
            }
        }

        return next == _all ? this : new CpuClaims(next);
    }

    private static CpuClaim See(CpuClaim known, ObservedVm vm, CpuSet everybodys, TimeSpan now)
    {
        var initial = known.InitialMask ?? Initial(vm, everybodys);
        if (
            initial is null
            || known.IsPlacedElsewhere
            || (known.InitialMask is not null && !VmBeginning.IsOf(vm.Key, now))
        )
        {
            return known;
        }

        var isElsewhere = vm.Threads.Any(thread =>
            thread is { Role: ThreadRole.Vcpu, Affinity: { } mask } && !mask.IsSubsetOf(initial)
        );
        return known.InitialMask is not null && !isElsewhere
            ? known
            : known with
            {
                InitialMask = initial,
                IsEverybodys = known.InitialMask is null
                    ? !initial.IsSubsetOf(everybodys) || initial.Equals(everybodys)
                    : known.IsEverybodys,
                IsPlacedElsewhere = isElsewhere,
            };
    }

    // A mask that is as wide as the cgroup is the cgroup's, and says nothing of itself.
    private static CpuSet? Initial(ObservedVm vm, CpuSet everybodys) =>
        vm.Emulator is not { Affinity: { } mask } main
        || (main.OwnCpuset ?? vm.Cpuset) is not { } cgroup
            ? null
        : mask.Equals(cgroup) ? everybodys
        : mask;
}
