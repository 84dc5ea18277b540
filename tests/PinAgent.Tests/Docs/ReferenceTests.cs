using PinAgent.Model.Vm;
using PinAgent.Report.Cluster;
using PinAgent.Report.Status;
using Xunit;
using static PinAgent.Tests.Docs.MarkdownTable;

namespace PinAgent.Tests.Docs;

/// <summary>The pages of the reference are what the code says.</summary>
public sealed class ReferenceTests
{
    [Fact]
    public void Settings() => Check("settings", SettingsPage.Text());

    [Fact]
    public void Reasons() =>
        Check(
            "reasons",
            $"""
            # Reasons

            Why a VM isn't pinned: beside its [state](../operate.md#states) in `pinagent status`, on the page and as `reason` in the
            [JSON](json.md#vmstatus). `pinagent status --vm NAME` says it with the VM's numbers. [How another writer is given way
            to](../operate.md#reasons), and what a release holds for.

            {Of(
                ["reason", "means", "what to do"],
                Enum.GetValues<Reason>()
                    .Select(reason =>
                        (string[])[Code($"{reason}"), DocStrings.Of(reason), ReasonActions.Of(reason)]
                    )
            )}
            """
        );

    [Fact]
    public void Events() =>
        Check(
            "events",
            $"""
            # Events

            On the VM's pod and its VirtualMachineInstance: `kubectl get events --field-selector reason=PinningDrifted -A`. The note has
            each thread's old and new mask, or the [reason](reasons.md) and its sentence. [What to do](../operate.md#events).

            {Of(
                ["event", "type", "means"],
                Enum.GetValues<VmEventKind>()
                    .Select(kind =>
                        (string[])
                            [
                                Code($"{kind}"),
                                new VmEvent(kind, null, "").IsWarning ? "Warning" : "Normal",
                                DocStrings.Of(kind),
                            ]
                    )
            )}
            """
        );

    [Fact]
    public void Metrics() => Check("metrics", MetricsReference.Text());

    [Fact]
    public void Json() => Check("json", JsonReference.Text());

    private static void Check(string page, string text) =>
        Golden.Check($"../../deploy/docs/reference/{page}.md", text);
}
