using System.Text.RegularExpressions;
using PinAgent.Model.Node;
using PinAgent.Model.Vm;
using PinAgent.Report.Cluster;
using PinAgent.Tests.Validate;
using Xunit;

namespace PinAgent.Tests.Report;

/// <summary>The guide for administrators explains every state, event and violation that the agent shows, and no others.</summary>
public sealed partial class OperatingGuideTests
{
    [Fact]
    public void Every_state_is_explained() =>
        Assert.Equal(Enum.GetNames<VmState>(), Rows("States"));

    [Fact]
    public void Every_event_is_explained() =>
        Assert.Equal(Enum.GetNames<VmEventKind>(), Rows("Events"));

    [Fact]
    public void Every_violation_is_explained() =>
        Assert.Equal(
            Enum.GetNames<ViolationKind>(),
            Rows("Violations"),
            StringComparer.OrdinalIgnoreCase
        );

    // The table's rows below a heading.
    private static IEnumerable<string> Rows(string heading)
    {
        var text = RepositoryFiles.Text("deploy/docs/operate.md");
        var section = text[text.IndexOf($"## {heading}\n", StringComparison.Ordinal)..];
        section = section[..section.IndexOf("\n## ", StringComparison.Ordinal)];
        return Row().Matches(section).Select(row => row.Groups["code"].Value);
    }

    [GeneratedRegex(
        @"^\| `(?<code>\w+)` \| .+ \| .+ \|$",
        RegexOptions.Multiline | RegexOptions.ExplicitCapture | RegexOptions.NonBacktracking
    )]
    private static partial Regex Row();
}
