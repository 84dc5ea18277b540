using System.Collections.Immutable;
using PinAgent.Cli.Terminal;
using PinAgent.Model.Node;
using PinAgent.Model.Text;
using PinAgent.Report.Map;
using PinAgent.Report.Page;
using PinAgent.Report.Status;
using Spectre.Console;
using Spectre.Console.Rendering;

namespace PinAgent.Cli.Look;

/// <summary>
/// Draws a node in as many lines as it has VMs, and a few: the verdict, what is broken, and a line for each VM, those that
/// need somebody first. Pure.
/// </summary>
internal static class StatusLines
{
    private const int Gap = 2;
    private const int MostViolations = 3;
    private const int MostReasons = 4;

    // A name of which less is shown can't be told from others; a sentence of which less is shown says nothing.
    private const int ShortestName = 20;
    private const int ShortestCpus = 8;
    private const int ShortestReason = 14;
    private const int ShortestWhy = 60;

    /// <summary>The lines.</summary>
    /// <param name="width">How long a VM's line may be; null where programs read it and none is cut.</param>
    public static IRenderable Render(NodeStatus status, VmFilter filter, int? width)
    {
        var parts = new List<IRenderable> { VerdictOf(status), new Flow(Node(status), hanging: 2) };
        parts.AddRange(status.Notices.Select(notice => new Flow($"notice: {notice}", hanging: 2)));
        parts.AddRange(
            status
                .Violations.Take(MostViolations)
                .Select(violation => new Flow($"violation: {violation.Message}", hanging: 2))
        );
        if (status.Violations.Length > MostViolations)
        {
            parts.Add(
                new Flow($"and {status.Violations.Length - MostViolations} more violations: --wide")
            );
        }

        var all = status.Vms.Length;
        status = status with { Vms = [.. Pains.Sort(status).Where(filter.Has)] };
        if (status.Vms.Length < all)
        {
            parts.Add(new Flow($"showing {status.Vms.Length} of {all} VMs"));
        }

        parts.Add(new Flow(""));
        if (status.Vms.IsEmpty)
        {
            parts.Add(new Flow(all == 0 ? "No QEMU process found." : "No VM is so."));
            return new Rows(parts);
        }

        var hasWhy = width is not null && TryWhy(status, width.Value, parts);
        if (!hasWhy)
        {
            parts.AddRange(Table(status, width, whyWidth: 0));
            parts.AddRange(WaitLines.Of(status, MostReasons));
            parts.AddRange(Reasons(status.Vms));
        }

        return new Rows(parts);
    }

    /// <summary>The verdict alone.</summary>
    public static Flow VerdictOf(NodeStatus status)
    {
        var verdict = Verdict.Of(status, NodeMap.Of(status), time => Times.Local(time));
        var (word, colour) = verdict.Health switch
        {
            Health.Fine => ("ok", Color.Green),
            Health.Attention => ("attention", Color.Yellow),
            _ => ("problem", Color.Red),
        };
        var remarks = verdict.Remarks.IsEmpty ? "" : $" ({string.Join("; ", verdict.Remarks)})";
        return new Flow(
            [
                ($"{word}: ", new Style(colour, decoration: Decoration.Bold)),
                ($"{verdict.Sentence}{remarks}", Style.Plain),
            ],
            hanging: 2
        );
    }

    private static string Node(NodeStatus status)
    {
        var labels = string.Concat(
            status
                .Labels.Where(label => label.Value.IsWrong)
                .Select(label => $", label {label.Key} is wrong: {label.Value.Message}")
        );
        return $"node {status.Node}, mode {(status.Mode == AgentMode.Audit ? "audit" : "enforce")}, CPUs "
            + $"{status.Topology.Online}, CPU manager {StatusTable.Word(status.CpuManager.State)}"
            + (status.Events is { } events ? $", events {events.Source}" : "")
            + labels
            + (status.ModeMessage is { } why ? $"; {why}" : "");
    }

    // Where a line has room for it, the sentence stands beside the VM.
    private static bool TryWhy(NodeStatus status, int width, List<IRenderable> parts)
    {
        var longest = status.Vms.Max(vm => Flow.WidthOf(Why(vm, status)));
        var room = width - Columns(status).Sum(column => column + Gap);
        if (longest == 0 || room < Math.Min(longest, ShortestWhy))
        {
            return false;
        }

        var shown = Math.Min(longest, room);
        parts.AddRange(Table(status, width, shown));
        // Who was in the way stands at the end.
        parts.AddRange(WaitLines.Of(status, MostReasons, longerThan: shown));
        return true;
    }

    private static IEnumerable<Flow> Table(NodeStatus status, int? width, int whyWidth)
    {
        var widths = Columns(status);
        if (width is { } most)
        {
            var tooMuch = widths.Sum() + (Gap * 4) + (whyWidth > 0 ? whyWidth + Gap : 0) - most;
            Shrink(ref widths[4], ShortestCpus, ref tooMuch);
            Shrink(ref widths[3], ShortestReason, ref tooMuch);
            Shrink(ref widths[0], ShortestName, ref tooMuch);
        }

        yield return Line(Header, Style.Plain);
        foreach (var vm in status.Vms)
        {
            yield return Line(Cells(vm), StyleOf(Pains.Of(vm, status)), Why(vm, status));
        }

        Flow Line(string[] cells, Style state, string why = "WHY")
        {
            var texts = cells.Select(
                (cell, at) =>
                {
                    var text =
                        width is null ? cell
                        : at == 0 ? Cut.Middle(cell, widths[at])
                        : Cut.End(cell, widths[at]);
                    return text + new string(' ', Math.Max(0, widths[at] - Flow.WidthOf(text)));
                }
            );
            return new Flow([
                .. texts.Select(
                    (text, at) => ((at > 0 ? "  " : "") + text, at == 2 ? state : Style.Plain)
                ),
                (whyWidth > 0 ? "  " + Cut.End(why, whyWidth) : "", Style.Plain),
            ]);
        }
    }

    private static string[] Header => ["VM", "PID", "STATE", "REASON", "CPUS"];

    private static string[] Cells(VmStatus vm) =>
        [
            $"{vm.Namespace}/{vm.Name}",
            $"{vm.Pid}",
            $"{vm.State}",
            vm.Reason?.ToString() ?? "-",
            vm.Cpuset?.ToString() ?? "?",
        ];

    private static int[] Columns(NodeStatus status) =>
        [
            .. Header.Select(
                (header, at) =>
                    Math.Max(
                        header.Length,
                        status.Vms.Max(vm =>
                            Flow.WidthOf(Model.Text.Words.Printable(Cells(vm)[at]))
                        )
                    )
            ),
        ];

    private static void Shrink(ref int width, int least, ref int tooMuch)
    {
        var less = Math.Clamp(tooMuch, 0, Math.Max(0, width - least));
        width -= less;
        tooMuch -= less;
    }

    private static string Why(VmStatus vm, NodeStatus status) =>
        vm.Message
        ?? WaitLines.Why(vm, status)
        ?? Disturbed(vm, status)
        ?? vm.Advisories.FirstOrDefault()
        ?? "";

    private static string? Disturbed(VmStatus vm, NodeStatus status) =>
        vm.Dedicated && Pains.Disturbances(vm, status).ToList() is { Count: > 0 } by
            ? $"disturbed: {string.Join(", ", by.Select(Word).Distinct())}"
            : null;

    private static string Word(Violation violation) => violation.Kind.ToString().ToLowerInvariant();

    // The same sentence eighty times says no more than once.
    private static IEnumerable<IRenderable> Reasons(ImmutableArray<VmStatus> vms)
    {
        var reasons = vms.Where(vm => vm is { Reason: not null, Message: not null })
            .GroupBy(vm => vm.Reason!.Value)
            .ToList();
        if (reasons.Count > 0)
        {
            yield return new Flow("");
        }

        foreach (var reason in reasons.Take(MostReasons))
        {
            var vm = reason.First();
            var who = $"{vm.Namespace}/{vm.Name}";
            yield return new Flow(
                $"{reason.Key}: {who}{(reason.Count() > 1 ? $" and {reason.Count() - 1} more" : "")}: {vm.Message}",
                hanging: 2
            );
        }

        if (reasons.Count > 0)
        {
            yield return new Flow(
                reasons.Count > MostReasons
                    ? $"and {reasons.Count - MostReasons} more reasons: --wide; what to do: --vm NAME"
                    : "what to do: --vm NAME"
            );
        }
    }

    private static Style StyleOf(Pain pain) =>
        pain switch
        {
            Pain.None or Pain.WasSlow => new Style(Color.Green),
            Pain.NotDedicated => Style.Plain,
            Pain.Waiting or Pain.Disturbed => new Style(Color.Yellow),
            _ => new Style(Color.Red),
        };
}
