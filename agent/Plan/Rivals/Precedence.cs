using PinAgent.Model.Cpu;
using PinAgent.Model.Vm;
using PinAgent.Plan.Ownership;
using PinAgent.Plan.Placement;

namespace PinAgent.Plan.Rivals;

/// <summary>
/// Which of two VMs of a plain host has the better right to what both claim: a name, or CPUs. Anybody can start a process
/// that calls itself like a guest; only an administrator gives it CPUs of its own. What a VM has it keeps: a process can
/// have begun long before it took the name, so how long it runs says nothing, and how long it has been held does. Pure.
/// </summary>
/// <param name="known">What was chosen for VMs, over restarts.</param>
/// <param name="cpus">Whose CPUs are whose; null while that isn't decided, and the cgroups alone say it.</param>
internal sealed class Precedence(
    HeldPlacements held,
    CpuClaims known,
    NodeTopology topology,
    IReadOnlyDictionary<VmKey, VmCpus>? cpus = null
)
{
    /// <summary>Whether the first has the better right; if neither is first, it can't be told.</summary>
    public bool IsFirst(ObservedVm vm, ObservedVm other) => Why(vm, other) is not null;

    /// <summary>Why the first has the better right, in words; null if it hasn't.</summary>
    public string? Why(ObservedVm vm, ObservedVm other) =>
        IsMerelySaid(vm) != IsMerelySaid(other)
            ? IsMerelySaid(other)
                ? "was given CPUs, and the other only says so itself"
                : null
            : CompareHeld(vm, other) switch
            {
                < 0 => "has been held for longer",
                > 0 => null,
                _ => WhyByCpus(vm, other),
            };

    /// <summary>Less than zero if the first has been held for longer than the other, zero if neither has been.</summary>
    public int CompareHeld(ObservedVm vm, ObservedVm other) =>
        Since(vm).CompareTo(Since(other)) switch
        {
            0 => known.Find(other.Key).WasPlaced.CompareTo(known.Find(vm.Key).WasPlaced),
            var compared => compared,
        };

    /// <summary>
    /// Whether somebody has given CPUs to the VM: to its cgroup or one above it, and less than everything; or in another way.
    /// Version 2 of cgroups keeps offline CPUs in what was given.
    /// </summary>
    public bool IsConfined(ObservedVm vm) =>
        cpus is not null
            ? Find(vm) is { IsGiven: true }
            : vm is { Cpuset: not null, GivenCpuset: { } given }
                && !topology.Online.IsSubsetOf(given);

    /// <summary>The VM's CPUs; null if they couldn't be read.</summary>
    public CpuSet? CpusOf(ObservedVm vm) => cpus is null ? vm.Cpuset : Find(vm)?.Cpus;

    // Whoever sets its own mask gets no other VM's CPUs by it, however long it has had them.
    private bool IsMerelySaid(ObservedVm vm) => Find(vm) is { IsOwnWord: true };

    private VmCpus? Find(ObservedVm vm) => cpus?.GetValueOrDefault(vm.Key);

    private string? WhyByCpus(ObservedVm vm, ObservedVm other) =>
        IsConfined(vm) != IsConfined(other)
            ? IsConfined(vm)
                ? "has a cpuset of its own"
                : null
            : IsWithin(vm, other)
                ? "has a narrower cpuset"
                : IsWithin(other, vm)
                    ? null
                    : vm.IsOfRoot && !other.IsOfRoot
                        ? "is run by root"
                        : null;

    private bool IsWithin(ObservedVm vm, ObservedVm other) =>
        CpusOf(vm) is { } own
        && CpusOf(other) is { } theirs
        && own.IsSubsetOf(theirs)
        && !own.Equals(theirs);

    private long Since(ObservedVm vm) =>
        held.Since(vm.Key) ?? (known.Find(vm.Key).Chosen is null ? long.MaxValue : -1);
}

/// <summary>What earlier passes know of the VMs' claims to CPUs.</summary>
/// <param name="Overlaps">Since when VMs' CPUs are also others'.</param>
/// <param name="Cpus">What a plain host's VMs were given, and what was chosen for them.</param>
/// <param name="Now">The time, by the clock of those.</param>
internal readonly record struct Claims(
    HeldPlacements Held,
    Overlaps Overlaps,
    CpuClaims Cpus,
    TimeSpan Now
);
