using System.Text.Json;
using PinAgent.Cli.Terminal;
using PinAgent.Model.Node;
using PinAgent.Report.Status;
using PinAgent.Tests.Loop;
using PinAgent.Tests.Report.Page;
using Xunit;

namespace PinAgent.Tests.Report;

/// <summary>What <c>pinagent status --vm</c> prints.</summary>
public sealed class VmExplanationTests
{
    [Theory]
    [InlineData(0, "pinned")]
    [InlineData(1, "partly-pinned")]
    [InlineData(2, "not-dedicated")]
    public void A_VM_is_explained_in_words(int vm, string name)
    {
        var node = JsonSerializer.Deserialize(
            File.ReadAllText(Fixtures.PathOf("status/node.json")),
            ReportJson.Default.NodeStatus
        )!;

        using var text = new StringWriter();
        Output.Write(VmExplanation.Render(node, node.Vms[vm]), text, isPipe: true);

        Golden.Check($"status/explained-{name}.txt", text.ToString());
    }

    [Theory]
    [InlineData(AgentMode.Enforce)]
    [InlineData(AgentMode.Audit)]
    public void An_edit_that_waits_for_the_next_start_is_no_reason_for_an_audit(AgentMode mode)
    {
        const string Edit = "changed, but used only from the agent's next start on: interval";
        using var one = new OneVmHost { Mode = mode, ModeNotice = Edit };
        var node = one.Settle().Status;

        using var text = new StringWriter();
        Output.Write(VmExplanation.Render(node, node.Vms[0]), text, isPipe: true);

        Assert.Null(node.ModeMessage);
        Assert.Contains(Edit, node.Notices);
        Assert.DoesNotContain("\n  audit mode", text.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void A_VM_that_waits_says_for_how_long_since_when_and_who_is_in_its_way()
    {
        var node = PageStatuses.Slow();

        using var text = new StringWriter();
        Output.Write(VmExplanation.Render(node, node.Vms[1]), text, isPipe: true);

        var words = text.ToString();
        Assert.Contains(
            "waits       vCPU 1 waited 12 % at the last look, 12 % of the last minute; there ran host/builder (pid 4200, 97 % of CPU 5)",
            words,
            StringComparison.Ordinal
        );
        var since = node.Vms[1].Slow!.From;
        Assert.Contains(
            $"slow since  {since:yyyy-MM-dd HH:mm:ss} UTC: vCPU 1 has waited 5.0 s of the last 10 s for CPU 5; there ran",
            words,
            StringComparison.Ordinal
        );
    }
}
