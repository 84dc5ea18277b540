using PinAgent.Model.Kubernetes;
using PinAgent.Observe.Vmi;
using PinAgent.Plan.Rules;

namespace PinAgent.Report.Rules;

/// <summary>The answer of <c>pinagent validate</c> for one object.</summary>
/// <param name="Document">Which document of the file it is in, from 1.</param>
/// <param name="Name">Its name; null if it has none.</param>
/// <param name="Valid">Whether it keeps the rules; null if that isn't known, or wasn't asked.</param>
/// <param name="Kind">Its kind; null if it doesn't say.</param>
/// <param name="Namespace">Its namespace; null if it doesn't name one.</param>
/// <param name="Skipped">Whether it is of a kind that says nothing of VMs by itself.</param>
/// <param name="Dedicated">The CPUs of its own that it asks for; null if that isn't known, or wasn't asked.</param>
internal sealed record ValidateStatus(
    int Document,
    string? Name,
    bool? Valid,
    IReadOnlyList<Cause> Causes,
    IReadOnlyList<string> Warnings,
    string? Kind,
    string? Namespace,
    bool Skipped,
    DedicatedCpusStatus? Dedicated
)
{
    /// <summary>Judges an object.</summary>
    public static ValidateStatus Of(VmiDocument document, RuleContext context)
    {
        var findings = document.Vmi is { } vmi ? DedicatedRules.Check(vmi, context) : null;

        // Where the schema is contradicted, there is nothing for the rules to judge.
        var isValid = document.Causes.IsEmpty ? findings?.IsValid : false;
        return new ValidateStatus(
            document.Number,
            document.Name,
            isValid,
            [.. document.Causes, .. findings?.Causes ?? []],
            [.. document.Warnings, .. findings?.Warnings ?? []],
            document.Kind,
            document.Namespace,
            document.IsSkipped,
            document.Vmi is { } judged ? DedicatedCpusStatus.Of(judged) : null
        );
    }
}
