using System.Globalization;
using PinAgent.Model.Node;
using PinAgent.Model.Text;
using PinAgent.Model.Vm;
using PinAgent.Report.Cluster;
using PinAgent.Report.Status;
using Spectre.Console;
using Spectre.Console.Rendering;

namespace PinAgent.Cli.Terminal;

/// <summary>Draws a node's status: a line for the node, a row per VM, and for each pinned VM a row per thread.</summary>
internal static class StatusTable
{
    public static IRenderable Render(NodeStatus status)
    {
        var parts = new List<IRenderable>
        {
            new Text(
                $"node {status.Node}, mode {(status.Mode == AgentMode.Audit ? "audit" : "enforce")}, CPUs "
                    + $"{status.Topology.Online}, CPU manager {Word(status.CpuManager.State)}"
            ),
        };
        if (status.ModeMessage is { } why)
        {
            parts.Add(new Text(why));
        }

        parts.AddRange(Labels(status.Labels));
        parts.AddRange(status.Notices.Select(notice => new Text(notice)));
        parts.AddRange(
            status.Violations.Select(violation => new Text($"violation: {violation.Message}"))
        );

        parts.Add(new Text(""));
        if (status.Vms.IsEmpty)
        {
            parts.Add(new Text("No QEMU process found."));
            return new Rows(parts);
        }

        parts.Add(Vms(status));
        foreach (var vm in status.Vms)
        {
            if (vm.Dedicated)
            {
                parts.Add(new Text(""));
                parts.Add(
                    new Text(
                        $"{vm.Namespace}/{vm.Name}: guest "
                            + $"{vm.Guest.Sockets}×{vm.Guest.Cores}×{vm.Guest.Threads}, emulator "
                            + (vm.Guest.IsolateEmulatorThread ? "isolated" : "shared")
                    )
                );
                parts.Add(Threads(vm));
            }

            if (vm.Message is not null || vm.Advisories.Length > 0)
            {
                parts.Add(new Text(""));
                parts.AddRange(
                    new[] { vm.Message }
                        .Concat(vm.Advisories)
                        .OfType<string>()
                        .Select(line => new Text($"{vm.Namespace}/{vm.Name}: {line}"))
                );
            }
        }

        return new Rows(parts);
    }

    private static IEnumerable<Text> Labels(IReadOnlyDictionary<string, LabelStatus> labels)
    {
        foreach (var group in labels.GroupBy(label => label.Value.Message))
        {
            var values = group.Select(label =>
                label.Value.Actual is { } actual ? $"{label.Key}={actual}" : $"no {label.Key}"
            );
            yield return new Text($"labels {string.Join(", ", values)}: {group.Key}");
        }
    }

    private static Table Vms(NodeStatus status)
    {
        var table = Tables.Plain("VM", "PID", "STATE", "REASON", "CPUS");
        foreach (var vm in status.Vms)
        {
            table.AddRow(
                new Text($"{vm.Namespace}/{vm.Name}"),
                new Text($"{vm.Pid}"),
                new Text($"{vm.State}", StyleOf(vm.State)),
                new Text(vm.Reason?.ToString() ?? "-"),
                new Text(vm.Cpuset?.ToString() ?? "?")
            );
        }

        return table;
    }

    /// <summary>A row per thread.</summary>
    /// <param name="withDetails">Whether each tells how long it has waited for a CPU, and which rule put it there.</param>
    public static Table Threads(VmStatus vm, bool withDetails = false)
    {
        var withRealtime = vm.Threads.Any(thread => thread.Realtime is not null);
        string[] columns = ["  ROLE", "TID", "NAME", "WANTED", "ACTUAL", "OUTCOME"];
        var table = Tables.Plain([
            .. columns,
            .. withRealtime ? ["PRIORITY"] : (string[])[],
            .. withDetails ? ["WAITED", "RULE"] : (string[])[],
        ]);
        foreach (
            var thread in vm.Threads.OrderBy(thread => thread.Role).ThenBy(thread => thread.Index)
        )
        {
            Text[] cells =
            [
                new Text(
                    $"  {thread.Role.ToWord()}{(thread.Index is { } index ? $" {index}" : "")}"
                ),
                new Text($"{thread.Tid}"),
                new Text(thread.Comm),
                new Text(thread.Wanted?.ToString() ?? "-"),
                new Text(thread.Actual?.ToString() ?? "gone"),
                new Text(thread.Outcome?.ToString() ?? "-"),
            ];
            table.AddRow([
                .. cells,
                .. withRealtime ? [new Text(thread.Realtime?.Describe() ?? "-")] : (Text[])[],
                .. withDetails
                    ? [new Text(Waited(thread.RunDelayNanoseconds)), new Text(thread.Rule ?? "-")]
                    : (Text[])[],
            ]);
        }

        return table;
    }

    private static string Waited(ulong? nanoseconds) =>
        nanoseconds is { } waited
            ? string.Create(CultureInfo.InvariantCulture, $"{waited / 1e9:0.000} s")
            : "-";

    /// <summary>The CPU manager's state in a word.</summary>
    public static string Word(CpuManagerState state) =>
        state switch
        {
            CpuManagerState.Static => "static",
            CpuManagerState.None => "none",
            CpuManagerState.Dra => "none, a DRA driver gives out CPUs",
            _ => "unknown",
        };

    private static Style StyleOf(VmState state) =>
        state switch
        {
            VmState.Pinned => new Style(Color.Green),
            VmState.NotDedicated => Style.Plain,
            VmState.Waiting => new Style(Color.Yellow),
            _ => new Style(Color.Red),
        };
}
