using System.Text.Json;
using PinAgent.Cli.Terminal;
using PinAgent.Report.Status;
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
        var since = node.Vms[1].Slow!.From.ToLocalTime();
        Assert.Contains(
            $"slow since  {since:yyyy-MM-dd HH:mm:ss}: vCPU 1 has waited 5.0 s of the last 10 s for CPU 5; there ran",
            words,
            StringComparison.Ordinal
        );
    }
}
