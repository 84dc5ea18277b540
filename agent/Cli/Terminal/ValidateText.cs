using PinAgent.Report.Rules;
using Spectre.Console;
using Spectre.Console.Rendering;

namespace PinAgent.Cli.Terminal;

/// <summary>Draws the answer of <c>validate</c>.</summary>
internal static class ValidateText
{
    private static readonly string[] Words = ["valid", "invalid", "unknown", "skipped"];

    public static IRenderable Render(IReadOnlyList<ValidateStatus> verdicts)
    {
        var lines = new List<string>();
        foreach (var verdict in verdicts)
        {
            lines.Add($"{Describe(verdict)}: {WordOf(verdict)}{DescribeCpus(verdict.Dedicated)}");
            foreach (var cause in verdict.Causes)
            {
                lines.Add($"  {cause.Field}: {cause.Message} ({cause.Reason})");
            }

            lines.AddRange(verdict.Warnings.Select(warning => $"  warning: {warning}"));
        }

        lines.Add(Summarize(verdicts));
        return new Rows(lines.Select(line => new Flow(line)));
    }

    private static string Describe(ValidateStatus verdict)
    {
        var name = (verdict.Namespace, verdict.Name) switch
        {
            (_, null) => "without a name",
            (null, var alone) => Shown(alone),
            var (space, full) => $"{Shown(space)}/{Shown(full)}",
        };
        var kind = verdict.Kind is { } known ? Shown(known) : "an object without a kind";
        return $"document {verdict.Document}, {kind} {name}";
    }

    private static string DescribeCpus(DedicatedCpusStatus? cpus)
    {
        if (cpus is not { Cpus: > 0 })
        {
            return cpus is null ? "" : ", no dedicated CPUs";
        }

        string[] parts =
        [
            $"{cpus.Vcpus} for vCPUs",
            .. cpus.IoThreads > 0 ? (string[])[$"{cpus.IoThreads} for I/O threads"] : [],
            .. cpus.Emulator > 0 ? (string[])[$"{cpus.Emulator} for the emulator"] : [],
        ];
        return $", dedicated CPUs: {cpus.Cpus} ({string.Join(", ", parts)})";
    }

    private static string Shown(string name) => Model.Text.Words.Shown(name);

    private static string WordOf(ValidateStatus verdict) =>
        verdict switch
        {
            { Skipped: true } => "skipped",
            { Valid: true } => "valid",
            { Valid: false } => "invalid",
            _ => "unknown",
        };

    private static string Summarize(IReadOnlyList<ValidateStatus> verdicts) =>
        string.Join(
            ", ",
            Words
                .Select(word =>
                    (Word: word, Count: verdicts.Count(verdict => WordOf(verdict) == word))
                )
                .Where(entry => entry.Count > 0)
                .Select(entry => $"{entry.Count} {entry.Word}")
        );
}
