using PinAgent.Model.Node;
using PinAgent.Model.Vm;

namespace PinAgent.Plan.Dedication;

/// <summary>Where less is wanted of a VM than pinning: by an annotation, or because it was given back. Pure.</summary>
internal static class LoweredMode
{
    /// <summary>A verdict with what is forbidden taken out.</summary>
    public static DedicationVerdict Of(DedicationVerdict verdict, PlanSettings settings) =>
        Lower(Release(verdict, settings));

    private static DedicationVerdict Release(DedicationVerdict verdict, PlanSettings settings) =>
        !settings.Released.Contains(verdict.Vm.Key) ? verdict
        : verdict.Limit == ModeLimit.None
            ? verdict with
            {
                IsReleased = true,
                Limit = ModeLimit.Audit,
                LimitMessage =
                    "given back with pinagent release, which takes it up again with --undo",
            }
        : verdict with { IsReleased = true };

    // What an annotation forbids, of what would else be done.
    private static DedicationVerdict Lower(DedicationVerdict verdict) =>
        verdict switch
        {
            { Dedicated: false } or { Obstacle: not null } or { Limit: ModeLimit.None } => verdict,
            { Limit: ModeLimit.Off } => verdict with
            {
                Obstacle = new Standing(
                    VmState.Waiting,
                    Reason.SwitchedOff,
                    $"{verdict.LimitMessage}: nothing is wanted of this VM's threads"
                ),
            },
            _ => verdict with
            {
                Advisories = [.. verdict.Advisories, $"{verdict.LimitMessage}: only reported"],
            },
        };
}
