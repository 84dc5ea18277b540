using PinAgent.Model.Cpu;
using Spectre.Console;
using Spectre.Console.Rendering;

namespace PinAgent.Cli.Terminal;

/// <summary>Draws a topology: a sentence, and a row per core.</summary>
internal static class TopologyTable
{
    public static IRenderable Render(NodeTopology topology)
    {
        var parts = new List<IRenderable> { new Flow(Summary(topology)) };
        if (!topology.Offline.IsEmpty)
        {
            parts.Add(new Flow($"offline: {topology.Offline}"));
        }

        if (!topology.Isolated.IsEmpty)
        {
            parts.Add(new Flow($"isolated: {topology.Isolated}"));
        }

        if (!topology.NohzFull.IsEmpty)
        {
            parts.Add(new Flow($"nohz_full: {topology.NohzFull}"));
        }

        parts.Add(new Flow(""));
        parts.Add(Cores(topology));
        return new Rows(parts);
    }

    private static string Summary(NodeTopology topology) =>
        string.Join(
            ", ",
            new[]
            {
                Count(topology.SocketCount, "socket"),
                Count(topology.NumaNodes.Length, "NUMA node"),
                topology.L3Count > 0 ? Count(topology.L3Count, "L3 group") : "L3 groups unknown",
                Count(topology.CoreCount, "core"),
                $"{Count(topology.Cpus.Length, "CPU")} online ({topology.Online})",
            }
        );

    private static PlainTable Cores(NodeTopology topology)
    {
        var hybrid = topology.MixesKinds;
        var dies = topology.Cpus.Select(cpu => (cpu.Socket, cpu.Die)).Distinct().Count();
        var hasDies = dies > topology.SocketCount;
        var table = new PlainTable([
            "SOCKET",
            "NUMA",
            "L3",
            "CORE",
            "CPUS",
            .. hasDies ? ["DIE"] : (string[])[],
            .. hybrid ? ["KIND"] : (string[])[],
        ]);
        foreach (
            var core in topology
                .Cpus.GroupBy(cpu => (cpu.Socket, cpu.Core))
                .Select(core => core.First())
                .OrderBy(cpu => cpu.Socket)
                .ThenBy(cpu => cpu.Numa)
                .ThenBy(cpu => cpu.Id)
        )
        {
            var cells = new List<string>
            {
                $"{core.Socket}",
                $"{core.Numa}",
                core.L3?.ToString() ?? "-",
                $"{core.Core}",
                CpuSet.Of(topology.SiblingsOf(core)).ToString(),
            };
            if (hasDies)
            {
                cells.Add(core.Die?.ToString() ?? "-");
            }

            if (hybrid)
            {
                cells.Add(core.Kind.Word());
            }

            table.AddRow([.. cells.Select(cell => new Cell(cell))]);
        }

        return table;
    }

    private static string Count(int count, string what) =>
        $"{count} {what}{(count == 1 ? "" : "s")}";
}
