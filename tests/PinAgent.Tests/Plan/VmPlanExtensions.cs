using PinAgent.Plan;
using PinAgent.Plan.Dedication;

namespace PinAgent.Tests.Plan;

internal static class VmPlanExtensions
{
    /// <summary>The plan of a VM with another verdict.</summary>
    public static VmPlan Judged(
        this VmPlan plan,
        Func<DedicationVerdict, DedicationVerdict> change
    ) => plan with { Shape = plan.Shape with { Verdict = change(plan.Shape.Verdict) } };
}
