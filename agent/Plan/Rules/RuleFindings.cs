using System.Collections.Immutable;
using PinAgent.Model.Kubernetes;

namespace PinAgent.Plan.Rules;

/// <summary>What the rules say of a VMI.</summary>
/// <param name="IsValid">Whether all hold; null where that depends on an instancetype.</param>
/// <param name="Causes">The broken rules, in the order of the table.</param>
/// <param name="Warnings">What is allowed and could be better.</param>
internal sealed record RuleFindings(
    bool? IsValid,
    ImmutableArray<Cause> Causes,
    ImmutableArray<string> Warnings
);

/// <summary>What the rules depend on besides the VMI.</summary>
/// <param name="SidecarGate">KubeVirt's feature gate <c>Sidecar</c>.</param>
internal sealed record RuleContext(FeatureGate SidecarGate = FeatureGate.Unknown);

/// <summary>One rule.</summary>
/// <param name="Id">Its name in the tests' tables and the admission policy.</param>
/// <param name="Field">The field of its cause, from the VMI's spec.</param>
/// <param name="Reason">The kind of its cause.</param>
/// <param name="Break">The sentence if the VMI breaks it, else null.</param>
internal sealed record DedicatedRule(
    string Id,
    string Field,
    CauseReason Reason,
    Func<VmiSpec, string?> Break
);
