using System.Collections.Immutable;
using System.Globalization;
using PinAgent.Cli.Look;
using PinAgent.Model.Changes;
using PinAgent.Model.Text;
using PinAgent.Report.Changes;
using Spectre.Console;
using Spectre.Console.Rendering;

namespace PinAgent.Cli.Terminal;

/// <summary>Tells a VM's history in words.</summary>
internal static class ExplainText
{
    public static IRenderable Render(ImmutableArray<VmChange> changes, DateTimeOffset since)
    {
        var lines = new List<IRenderable>();
        foreach (var change in changes)
        {
            lines.Add(
                new Flow(
                    $"{Times.Local(change.At, "yyyy-MM-dd HH:mm:ss.fff")}  "
                        + (
                            change.IsOfAgent
                                ? ChangeText.What(change)
                                : $"{change.Namespace}/{change.Name} (pid {change.Pid})  {State(change)}"
                        )
                )
            );
            // Of a wait all is said.
            if (
                change.IsOfAgent
                || change.Kind
                    is VmChangeKind.WaitBegun
                        or VmChangeKind.WaitGoesOn
                        or VmChangeKind.WaitEnded
            )
            {
                continue;
            }

            lines.Add(new Flow($"    {ChangeText.Why(change)}"));
            if (change.By is null && ChangeText.Likely(change.Cause) is { } who)
            {
                lines.Add(new Flow($"    likely: {who}"));
            }

            lines.AddRange(
                change.Threads.Select(thread => new Flow($"    {ChangeText.Thread(thread)}"))
            );
            if (change.UnpinnedSecondsAtMost is { } seconds)
            {
                lines.Add(
                    new Flow(
                        string.Create(
                            CultureInfo.InvariantCulture,
                            $"    off its CPUs for at most {seconds:0.###} s"
                        )
                    )
                );
            }
        }

        lines.Add(new Flow(""));
        lines.Add(
            new Flow(
                ExplainSum.Of(
                    [.. changes.Where(change => !change.IsOfAgent)],
                    since,
                    change => change.By
                )
            )
        );
        return new Rows(lines);
    }

    private static string State(VmChange change) =>
        change.Kind
            is VmChangeKind.Ended
                or VmChangeKind.ViolationBegun
                or VmChangeKind.ViolationEnded
                or VmChangeKind.WaitBegun
                or VmChangeKind.WaitGoesOn
                or VmChangeKind.WaitEnded
            ? ChangeText.What(change)
        : change.Reason is { } reason ? $"{change.State}, {reason}: {change.Message}"
        : $"{change.State}";
}
