using System.Text.RegularExpressions;
using PinAgent.Model.Node;
using PinAgent.Model.Vm;
using PinAgent.Report.Cluster;
using PinAgent.Report.Status;
using PinAgent.Tests.Validate;
using Xunit;

namespace PinAgent.Tests.Report;

/// <summary>The guide for administrators explains every code that the agent shows, and no others.</summary>
public sealed partial class OperatingGuideTests
{
    [Fact]
    public void Every_reason_is_explained_with_what_the_status_says_to_do() =>
        Assert.Equal(
            Enum.GetValues<Reason>().Select(reason => $"{reason}: {ReasonActions.Of(reason)}"),
            Rows("Reasons").Select(row => $"{row.Code}: {row.Action}")
        );

    [Fact]
    public void Every_state_is_explained() =>
        Assert.Equal(Enum.GetNames<VmState>(), Rows("States").Select(row => row.Code));

    [Fact]
    public void Every_event_is_explained() =>
        Assert.Equal(Enum.GetNames<VmEventKind>(), Rows("Events").Select(row => row.Code));

    [Fact]
    public void Every_violation_is_explained() =>
        Assert.Equal(
            Enum.GetNames<ViolationKind>(),
            Rows("Violations").Select(row => row.Code),
            StringComparer.OrdinalIgnoreCase
        );

    // The table's rows below a heading.
    private static IEnumerable<(string Code, string Action)> Rows(string heading)
    {
        var text = RepositoryFiles.Text("deploy/docs/operate.md");
        var section = text[text.IndexOf($"## {heading}\n", StringComparison.Ordinal)..];
        section = section[..section.IndexOf("\n## ", StringComparison.Ordinal)];
        return Row()
            .Matches(section)
            .Select(row => (row.Groups["code"].Value, row.Groups["action"].Value));
    }

    [GeneratedRegex(
        @"^\| `(?<code>\w+)` \| .+ \| (?<action>.+) \|$",
        RegexOptions.Multiline | RegexOptions.ExplicitCapture | RegexOptions.NonBacktracking
    )]
    private static partial Regex Row();
}
