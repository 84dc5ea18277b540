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
            new Flow(
                $"node {status.Node}, mode {(status.Mode == AgentMode.Audit ? "audit" : "enforce")}, CPUs "
                    + $"{status.Topology.Online}, CPU manager {Word(status.CpuManager.State)}"
            ),
        };
        if (status.ModeMessage is { } why)
        {
            parts.Add(new Flow(why));
        }

        parts.AddRange(Labels(status.Labels));
        parts.AddRange(status.Notices.Select(notice => new Flow(notice)));
        parts.AddRange(
            status.Violations.Select(violation => new Flow($"violation: {violation.Message}"))
        );

        parts.Add(new Flow(""));
        if (status.Vms.IsEmpty)
        {
            parts.Add(new Flow("No QEMU process found."));
            return new Rows(parts);
        }

        parts.Add(Vms(status));
        foreach (var vm in status.Vms)
        {
            if (vm.Dedicated)
            {
                parts.Add(new Flow(""));
                parts.Add(
                    new Flow(
                        $"{vm.Namespace}/{vm.Name}: guest "
                            + $"{vm.Guest.Sockets}×{vm.Guest.Cores}×{vm.Guest.Threads}, emulator "
                            + (vm.Guest.IsolateEmulatorThread ? "isolated" : "shared")
                    )
                );
                parts.Add(Threads(vm));
            }

            if (vm.Message is not null || vm.Advisories.Length > 0)
            {
                parts.Add(new Flow(""));
                parts.AddRange(
                    new[] { vm.Message }
                        .Concat(vm.Advisories)
                        .OfType<string>()
                        .Select(line => new Flow($"{vm.Namespace}/{vm.Name}: {line}"))
                );
            }
        }

        return new Rows(parts);
    }

    private static IEnumerable<Flow> Labels(IReadOnlyDictionary<string, LabelStatus> labels)
    {
        foreach (var group in labels.GroupBy(label => label.Value.Message))
        {
            var values = group.Select(label =>
                label.Value.Actual is { } actual ? $"{label.Key}={actual}" : $"no {label.Key}"
            );
            yield return new Flow($"labels {string.Join(", ", values)}: {group.Key}");
        }
    }

    private static PlainTable Vms(NodeStatus status)
    {
        var table = new PlainTable("VM", "PID", "STATE", "REASON", "CPUS");
        foreach (var vm in status.Vms)
        {
            table.AddRow(
                $"{vm.Namespace}/{vm.Name}",
                $"{vm.Pid}",
                new($"{vm.State}", StyleOf(vm.State)),
                vm.Reason?.ToString() ?? "-",
                vm.Cpuset?.ToString() ?? "?"
            );
        }

        return table;
    }

    /// <summary>A row per thread.</summary>
    /// <param name="withDetails">Whether each tells how long it has waited for a CPU, and which rule put it there.</param>
    public static PlainTable Threads(VmStatus vm, bool withDetails = false)
    {
        var withRealtime = vm.Threads.Any(thread => thread.Realtime is not null);
        string[] columns = ["  ROLE", "TID", "NAME", "WANTED", "ACTUAL", "OUTCOME"];
        var table = new PlainTable([
            .. columns,
            .. withRealtime ? ["PRIORITY"] : (string[])[],
            .. withDetails ? ["WAITED", "RULE"] : (string[])[],
        ])
        {
            LeaveOut = ["NAME", "TID"],
        };
        foreach (
            var thread in vm.Threads.OrderBy(thread => thread.Role).ThenBy(thread => thread.Index)
        )
        {
            Cell[] cells =
            [
                $"  {thread.Role.ToWord()}{(thread.Index is { } index ? $" {index}" : "")}",
                $"{thread.Tid}",
                thread.Comm,
                thread.Wanted?.ToString() ?? "-",
                thread.Actual?.ToString() ?? "gone",
                thread.Outcome?.ToString() ?? "-",
            ];
            table.AddRow([
                .. cells,
                .. withRealtime ? [thread.Realtime?.Describe() ?? "-"] : (Cell[])[],
                .. withDetails
                    ? [Waited(thread.RunDelayNanoseconds), thread.Rule ?? "-"]
                    : (Cell[])[],
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
