using System.Collections.Immutable;
using PinAgent.Model.Vm;

namespace PinAgent.Plan.Dedication;

/// <summary>
/// Since when those who should know each VM's exclusive CPUs tell different ones. After a change the kubelet writes cgroups
/// within 10 s, and a new VM's checkpoint may be read before its pod is in it, so less than that means nothing. Pure.
/// </summary>
internal sealed class Disagreements
{
    /// <summary>How long a disagreement may last and mean nothing.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    /// <summary>Before the first pass.</summary>
    public static readonly Disagreements None = new(
        ImmutableDictionary<VmKey, TimeSpan>.Empty,
        TimeSpan.Zero
    );

    private readonly ImmutableDictionary<VmKey, TimeSpan> _since;
    private readonly TimeSpan _now;

    private Disagreements(ImmutableDictionary<VmKey, TimeSpan> since, TimeSpan now) =>
        (_since, _now) = (since, now);

    /// <summary>Whether one will have lasted for too long only if a later pass finds it again.</summary>
    public bool IsPending => _since.Keys.Any(vm => !Lasts(vm));

    /// <summary>Whether a VM's has lasted for too long.</summary>
    public bool Lasts(VmKey vm) => _since.TryGetValue(vm, out var since) && _now - since > Patience;

    /// <summary>With what one more pass has found.</summary>
    /// <param name="now">When, on a clock that never jumps.</param>
    public Disagreements With(ImmutableArray<VmPlan> vms, TimeSpan now) =>
        new(
            vms.Where(vm => vm.Disagreement is not null)
                .Select(vm => vm.Vm.Key)
                .ToImmutableDictionary(vm => vm, vm => _since.GetValueOrDefault(vm, now)),
            now
        );
}
