using System.Text.Json;
using PinAgent.Cli.Terminal;
using PinAgent.Report.Status;
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
}
