using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using PinAgent.Kubernetes.Objects;
using PinAgent.Tests.Validate;
using Xunit;

namespace PinAgent.Tests.Report.Metrics;

/// <summary>What watches the agent knows its metrics, and no others.</summary>
public sealed partial class MonitoringFilesTests
{
    private static readonly HashSet<string> Metrics =
    [
        .. Served()
            .Matches(Golden("node") + Golden("vms"))
            .Select(match => match.Groups["name"].Value),
    ];

    [Theory]
    [InlineData("rules.yaml")]
    [InlineData("rules-test.yaml")]
    [InlineData("dashboard.json")]
    public void Whatever_metric_a_rule_or_a_panel_asks_for_is_served(string file)
    {
        var named = Named()
            .Matches(Text(file))
            .Select(match => Suffix().Replace(match.Value, ""))
            .ToHashSet(StringComparer.Ordinal);

        Assert.NotEmpty(named);
        Assert.Empty(named.Except(Metrics));
    }

    [Fact]
    public void The_table_lists_every_metric_with_its_type_and_labels()
    {
        var rows = Row()
            .Matches(Text("README.md"))
            .Select(row =>
                $"{row.Groups["name"].Value} {row.Groups["type"].Value} "
                + string.Join(',', Code().Matches(row.Groups["labels"].Value))
            );
        var text = Golden("node") + Golden("vms");
        var served = Served()
            .Matches(text)
            .Select(match => (Name: match.Groups["name"].Value, Type: match.Groups["type"].Value))
            .Select(metric =>
                $"{metric.Name["pinagent_".Length..]} {metric.Type} {Labels(metric.Name)}"
            );

        Assert.Equal(served.Order(), rows.Order());

        // Those of its first series; a histogram's is a bucket.
        string Labels(string name)
        {
            var at = text.IndexOf($"# TYPE {name} ", StringComparison.Ordinal);
            var series = text[at..].Split('\n')[1];
            return string.Join(
                ',',
                LabelName()
                    .Matches(series)
                    .Select(match => $"`{match.Groups["name"].Value}`")
                    .Where(label => label != "`le`")
            );
        }
    }

    [Fact]
    public void Every_alert_has_a_section_in_the_runbook_and_a_test_that_fires()
    {
        var alerts = Alert()
            .Matches(Text("rules.yaml"))
            .Select(match => match.Groups["name"].Value)
            .ToList();
        var runbook = Text("runbook.md");
        var tests = Text("rules-test.yaml");

        Assert.NotEmpty(alerts);
        Assert.Equal(
            alerts,
            Section().Matches(runbook).Select(match => match.Groups["name"].Value)
        );
        foreach (var alert in alerts)
        {
            Assert.Contains($"runbook.md#{alert.ToLowerInvariant()}\n", Text("rules.yaml"));
            Assert.Matches($"alertname: {alert}\n +exp_alerts: \\[\\]", tests);
            Assert.Matches($"alertname: {alert}\n +exp_alerts:\n", tests);
        }
    }

    [Fact]
    public void No_alert_fires_for_ever_on_a_plain_host()
    {
        var tests = Text("rules-test.yaml");
        var plain = tests[tests.IndexOf("- name: a plain host", StringComparison.Ordinal)..];
        plain = plain[..plain.IndexOf("\n  - name: ", StringComparison.Ordinal)];

        Assert.Contains("state=\"unknown\"}'\n        values: '1+", plain);
        Assert.All(
            Alert().Matches(Text("rules.yaml")),
            alert =>
                Assert.Contains(
                    $"alertname: {alert.Groups["name"].Value}\n        exp_alerts: []",
                    plain
                )
        );
    }

    [Fact]
    public void The_dashboard_is_one_that_Grafana_9_reads()
    {
        var dashboard = JsonNode.Parse(Text("dashboard.json"))!;
        var panels = dashboard["panels"]!.AsArray();

        Assert.True((int)dashboard["schemaVersion"]! >= 36);
        Assert.Equal(panels.Count, panels.Select(panel => (int)panel!["id"]!).Distinct().Count());
        Assert.All(panels, panel => Assert.NotEmpty(panel!["targets"]!.AsArray()));
    }

    [Fact]
    public void The_rules_are_YAML()
    {
        Assert.Single(YamlReader.Read(Text("rules.yaml")));
        Assert.Single(YamlReader.Read(Text("rules-test.yaml")));
    }

    private static string Text(string file) => RepositoryFiles.Text($"deploy/monitoring/{file}");

    private static string Golden(string name) =>
        File.ReadAllText(Fixtures.PathOf($"metrics/{name}.txt"));

    [GeneratedRegex(
        @"^# TYPE (?<name>\w+) (?<type>\w+)$",
        RegexOptions.Multiline | RegexOptions.ExplicitCapture | RegexOptions.NonBacktracking
    )]
    private static partial Regex Served();

    [GeneratedRegex(@"\bpinagent_\w+", RegexOptions.NonBacktracking)]
    private static partial Regex Named();

    [GeneratedRegex(
        "_(bucket|sum|count)$",
        RegexOptions.ExplicitCapture | RegexOptions.NonBacktracking
    )]
    private static partial Regex Suffix();

    [GeneratedRegex(
        @"^\| `(?<name>\w+)` \| (?<type>\w+) \|(?<labels>[^|]*)\|",
        RegexOptions.Multiline | RegexOptions.ExplicitCapture | RegexOptions.NonBacktracking
    )]
    private static partial Regex Row();

    [GeneratedRegex("`[^`]+`", RegexOptions.NonBacktracking)]
    private static partial Regex Code();

    [GeneratedRegex(
        "[{,](?<name>[a-z]+)=\"",
        RegexOptions.ExplicitCapture | RegexOptions.NonBacktracking
    )]
    private static partial Regex LabelName();

    [GeneratedRegex(
        @"^ +- alert: (?<name>\w+)$",
        RegexOptions.Multiline | RegexOptions.ExplicitCapture | RegexOptions.NonBacktracking
    )]
    private static partial Regex Alert();

    [GeneratedRegex(
        @"^## (?<name>\w+)$",
        RegexOptions.Multiline | RegexOptions.ExplicitCapture | RegexOptions.NonBacktracking
    )]
    private static partial Regex Section();
}
