using System.Text.RegularExpressions;
using static PinAgent.Tests.Docs.MarkdownTable;

namespace PinAgent.Tests.Docs;

/// <summary>The page of the metrics, from what the agent serves of a node with everything.</summary>
internal static partial class MetricsReference
{
    public static string Text() =>
        $"""
            # Metrics

            `/metrics` in Prometheus' text format. [How to scrape it, what a series costs](../../monitoring/README.md), and
            [alerts](../../monitoring/runbook.md).

            ## Of the node

            {Table("node")}

            ## Of single VMs

            With `--vm-metrics`.

            {Table("vms")}
            """;

    private static string Table(string golden)
    {
        var text = File.ReadAllText(Fixtures.PathOf($"metrics/{golden}.txt"));
        return Of(
            ["metric", "type", "labels", "means"],
            Metric()
                .Matches(text)
                .Select(metric =>
                    (string[])
                        [
                            Code(metric.Groups["name"].Value),
                            metric.Groups["type"].Value,
                            string.Join(
                                ", ",
                                Label()
                                    .Matches(metric.Groups["series"].Value)
                                    .Select(label => label.Groups["name"].Value)
                                    // A histogram's first series is a bucket.
                                    .Where(label => label != "le")
                                    .Select(Code)
                            ),
                            metric.Groups["help"].Value,
                        ]
                )
        );
    }

    [GeneratedRegex(
        @"^# HELP (?<name>\w+) (?<help>.+)\n# TYPE \w+ (?<type>\w+)\n(?<series>.+)$",
        RegexOptions.Multiline | RegexOptions.ExplicitCapture | RegexOptions.NonBacktracking
    )]
    private static partial Regex Metric();

    [GeneratedRegex(
        "[{,](?<name>[a-z]+)=\"",
        RegexOptions.ExplicitCapture | RegexOptions.NonBacktracking
    )]
    private static partial Regex Label();
}
