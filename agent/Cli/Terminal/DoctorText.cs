using PinAgent.Model.Node;
using PinAgent.Report.Doctor;
using Spectre.Console;
using Spectre.Console.Rendering;

namespace PinAgent.Cli.Terminal;

/// <summary>Draws the answer of <c>doctor</c>: a line for each check, and below it what is lost and what to do.</summary>
internal static class DoctorText
{
    private const int LevelWidth = 9;

    public static IRenderable Render(DoctorStatus status)
    {
        var width = status.Findings.Max(finding => finding.Check.Length) + 2;
        var hanging = LevelWidth + width;
        var lines = new List<Flow> { new($"pinagent {status.Version} on node {status.Node}") };
        foreach (var finding in status.Findings)
        {
            lines.Add(
                new(
                    $"{Word(finding.Level).PadRight(LevelWidth)}{finding.Check.PadRight(width)}{finding.Found}",
                    hanging
                )
            );
            var indent = new string(' ', hanging);
            lines.AddRange(
                new[] { ("lost", finding.Loses), ("do", finding.Action) }
                    .Where(line => line.Item2 is not null)
                    .Select(line => new Flow($"{indent}{line.Item1}: {line.Item2}"))
            );
        }

        lines.Add(
            new(
                $"problems: {Count(status, FindingLevel.Problem)}, warnings: {Count(status, FindingLevel.Warning)}"
            )
        );
        return new Rows(lines);
    }

    private static int Count(DoctorStatus status, FindingLevel level) =>
        status.Findings.Count(finding => finding.Level == level);

    private static string Word(FindingLevel level) =>
        level switch
        {
            FindingLevel.Ok => "ok",
            FindingLevel.Warning => "warning",
            _ => "problem",
        };
}
