using System.Collections.Immutable;
using PinAgent.Model.Vm;
using PinAgent.Plan.Dedication;

namespace PinAgent.Plan.Rivals;

/// <summary>
/// Since when each VM's CPUs are also another's. The kubelet gives an init container's CPUs to the next container, and for
/// seconds two pods have the same when it admits them again: less than <see cref="Grace"/> means nothing. Pure.
/// </summary>
internal sealed class Overlaps
{
    /// <summary>How long an overlap may last and mean nothing.</summary>
    public static readonly TimeSpan Grace = TimeSpan.FromSeconds(20);

    /// <summary>There are none.</summary>
    public static readonly Overlaps None = new(
        ImmutableDictionary<VmKey, TimeSpan>.Empty,
        TimeSpan.Zero
    );

    private readonly ImmutableDictionary<VmKey, TimeSpan> _since;
    private readonly TimeSpan _now;

    private Overlaps(ImmutableDictionary<VmKey, TimeSpan> since, TimeSpan now) =>
        (_since, _now) = (since, now);

    /// <summary>Whether one will have lasted for too long only if a later pass finds it again.</summary>
    public bool IsPending => _since.Keys.Any(vm => !HasLasted(vm, _now));

    /// <summary>With what one more pass has found.</summary>
    /// <param name="now">When, on a clock that never jumps.</param>
    public Overlaps With(ImmutableArray<DedicationVerdict> verdicts, TimeSpan now) =>
        new(
            verdicts
                .Where(verdict => verdict.Overlap is not null)
                .Select(verdict => verdict.Vm.Key)
                .ToImmutableDictionary(vm => vm, vm => _since.GetValueOrDefault(vm, now)),
            now
        );

    /// <summary>Whether a VM's that a pass finds has lasted for too long.</summary>
    /// <param name="now">When, by the same clock.</param>
    internal bool HasLasted(VmKey vm, TimeSpan now) =>
        _since.TryGetValue(vm, out var since) && now - since > Grace;
}
