using System.Collections.Immutable;
using PinAgent.Plan;
using PinAgent.Report;

namespace PinAgent.Loop;

/// <summary>What was pinned, before anybody is told of it.</summary>
internal sealed record Pins(
    PassInputs Inputs,
    bool AreOfSameInputs,
    NodePlan Plan,
    ImmutableArray<VmPassResult> Vms,
    IReadOnlyList<TimeSpan> Times
)
{
    /// <summary>These, as if they had been one with what was pinned just before.</summary>
    public Pins After(Pins before)
    {
        var then = before.Vms.ToDictionary(vm => vm.Outcome.Plan.Vm.Key);
        return this with
        {
            Vms =
            [
                .. Vms.Select(vm =>
                    then.TryGetValue(vm.Outcome.Plan.Vm.Key, out var first) ? vm.After(first) : vm
                ),
            ],
            Times = [.. before.Times, .. Times],
        };
    }
}
