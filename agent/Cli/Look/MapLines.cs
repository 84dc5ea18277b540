using System.Collections.Immutable;
using PinAgent.Cli.Terminal;
using PinAgent.Model.Cpu;
using PinAgent.Model.Vm;
using PinAgent.Report.Map;
using PinAgent.Report.Status;
using Spectre.Console;
using Spectre.Console.Rendering;

namespace PinAgent.Cli.Look;

/// <summary>
/// Draws the node's CPUs as the machine is built: sockets, NUMA nodes, L3 groups, and in each its cores, of which the CPUs
/// stand together. Pure.
/// </summary>
internal sealed class MapLines
{
    // Up to so many CPUs there's room for words.
    private const int Roomy = 32;

    private static readonly Color[] Colours =
    [
        Color.Blue,
        Color.Green,
        Color.Fuchsia,
        Color.Teal,
        Color.Olive,
        Color.Purple,
        Color.Aqua,
        Color.Lime,
    ];

    private readonly NodeStatus _status;
    private readonly NodeMap _map;
    private readonly ImmutableArray<VmTag?> _tags;
    private readonly int _width;
    private readonly Detail _detail;

    private MapLines(NodeStatus status, int width)
    {
        (_status, _map, _tags, _width) = (status, NodeMap.Of(status), VmTag.Of(status), width);
        var cores = Groups().Select(group => group.Cores.Length).DefaultIfEmpty().Max();
        _detail =
            status.Topology.Cpus.Count <= Roomy ? Detail.Words
            : (CellWidth(Detail.Roles) + 1) * cores <= width - 4 ? Detail.Roles
            : Detail.Letters;
    }

    private enum Detail
    {
        Letters,
        Roles,
        Words,
    }

    /// <summary>The map.</summary>
    public static IRenderable Render(NodeStatus status, int width) =>
        new Rows(new MapLines(status, width).Lines());

    private IEnumerable<IRenderable> Lines()
    {
        yield return StatusLines.VerdictOf(_status);
        yield return new Flow("");
        foreach (var socket in CpuTree.Of(_status.Topology))
        {
            yield return new Flow($"socket {socket.Id}");
            foreach (var numa in socket.NumaNodes)
            {
                foreach (var l3 in numa.L3Groups)
                {
                    var cpus = CpuSet.Of(l3.Cores.SelectMany(core => core.Cpus));
                    yield return new Flow(
                        $" NUMA node {numa.Id}, {(l3.Id is { } id ? $"L3 {id}, " : "")}CPUs {cpus}",
                        hanging: 4
                    );
                    foreach (var line in Cores(l3))
                    {
                        yield return line;
                    }
                }
            }
        }

        yield return new Flow("");
        foreach (var line in Legend())
        {
            yield return line;
        }
    }

    // As many cores to a line as there's room for, the same in every group, so that columns are columns.
    private IEnumerable<Flow> Cores(L3Group group)
    {
        const int Margin = 3;
        var (width, gap) = (CellWidth(_detail), _detail == Detail.Words ? 2 : 1);
        var most = Math.Max(1, (_width - Margin + gap) / (width + gap));
        // A round number is easier to count in.
        most =
            most >= 8 ? most / 8 * 8
            : most >= 4 ? 4
            : most;
        foreach (var line in group.Cores.Chunk(most))
        {
            yield return new Flow([
                (new string(Flow.Glue, Margin), Style.Plain),
                .. line.SelectMany(core => Cell(core, width + gap)),
            ]);
        }
    }

    private IEnumerable<(string, Style)> Cell(CoreGroup core, int width)
    {
        var used = 0;
        foreach (var (at, id) in core.Cpus.Index())
        {
            var text = (at > 0 && _detail != Detail.Letters ? " " : "") + Mark(_map[id]);
            used += Flow.WidthOf(text);
            // A flow breaks at blanks, and columns mustn't.
            yield return (text.Replace(' ', Flow.Glue), StyleOf(_map[id]));
        }

        yield return (new string(Flow.Glue, Math.Max(0, width - used)), Style.Plain);
    }

    private int CellWidth(Detail detail)
    {
        var one = _status
            .Topology.Cpus.Select(cpu => Flow.WidthOf(Mark(_map[cpu.Id], detail)))
            .DefaultIfEmpty()
            .Max();
        var threads = Groups()
            .SelectMany(group => group.Cores)
            .Select(core => core.Cpus.Length)
            .DefaultIfEmpty()
            .Max();
        return (one * threads) + (detail == Detail.Letters ? 0 : threads - 1);
    }

    private IEnumerable<L3Group> Groups() =>
        CpuTree
            .Of(_status.Topology)
            .SelectMany(socket => socket.NumaNodes)
            .SelectMany(numa => numa.L3Groups);

    private string Mark(MappedCpu cpu) => Mark(cpu, _detail);

    private string Mark(MappedCpu cpu, Detail detail)
    {
        var owner = cpu is { Use: CpuUse.Vm, IsContested: false } ? _tags[cpu.Owners[0].Vm] : null;
        var letters = owner?.Letters ?? "";
        var hasVcpu =
            owner is not null && cpu.Owners[0].Roles.Any(role => role.Role == ThreadRole.Vcpu);
        var longest = LongestTag;
        return detail switch
        {
            Detail.Words =>
                $"{cpu.Id.ToString().PadLeft(LongestId)} {(letters.Length > 0 ? $"{letters} " : "")}{CpuWords.Mark(cpu, isShort: false)}".PadRight(
                    LongestId + 14
                ),
            Detail.Roles => (
                letters.Length > 0
                    ? $"{letters}:{CpuWords.Mark(cpu, isShort: true)}"
                    : CpuWords.Mark(cpu, isShort: true)
            ).PadRight(longest + 4),
            _ => (
                letters.Length == 0 ? Sign(cpu)
                : hasVcpu ? letters
                : letters.ToLowerInvariant()
            ).PadRight(longest),
        };
    }

    private int LongestTag => _tags.Select(tag => tag?.Letters.Length ?? 1).DefaultIfEmpty(1).Max();

    private int LongestId =>
        $"{_status.Topology.Cpus.Select(cpu => cpu.Id).DefaultIfEmpty().Max()}".Length;

    private static string Sign(MappedCpu cpu) =>
        cpu switch
        {
            { IsContested: true } => "!",
            { Use: CpuUse.SharedPool or CpuUse.Undedicated } => "-",
            { Use: CpuUse.OtherExclusive } => "x",
            { Use: CpuUse.Beside } => "~",
            _ => "·",
        };

    private Style StyleOf(MappedCpu cpu) =>
        cpu.IsContested ? new Style(Color.Red, decoration: Decoration.Bold)
        : cpu.Use == CpuUse.Vm && _tags[cpu.Owners[0].Vm] is { } tag
            ? new Style(Colours[tag.Colour])
        : new Style(decoration: Decoration.Dim);

    private IEnumerable<Flow> Legend()
    {
        if (!_status.Topology.Offline.IsEmpty)
        {
            yield return new Flow($"offline: {_status.Topology.Offline}");
        }

        if (_detail == Detail.Letters)
        {
            yield return new Flow(
                "A a VM's vCPU, a another CPU of it, - shared, x another container's, ~ emulators beside, · free, ! conflict",
                hanging: 2
            );
        }

        var entries = _status
            .Vms.Select((vm, at) => (Tag: _tags[at], Text: Entry(vm)))
            .Where(entry => entry.Tag is not null)
            .ToList();
        var width = entries.Select(entry => Flow.WidthOf(entry.Text)).DefaultIfEmpty().Max();
        width = Math.Min(width, _width - LongestTag - 1);
        var most = Math.Max(1, (_width + 2) / (LongestTag + 1 + width + 2));
        foreach (var line in entries.Chunk(most))
        {
            yield return new Flow([
                .. line.SelectMany(entry =>
                    (IEnumerable<(string, Style)>)
                        [
                            (
                                entry.Tag!.Letters.PadRight(LongestTag + 1, Flow.Glue),
                                new Style(Colours[entry.Tag.Colour])
                            ),
                            (Padded(Cut.End(entry.Text, width), width + 2), Style.Plain),
                        ]
                ),
            ]);
        }
    }

    // Glued, or a name with a blank would break the line there.
    private static string Padded(string text, int width) =>
        (text + new string(' ', Math.Max(0, width - Flow.WidthOf(text)))).Replace(' ', Flow.Glue);

    private string Entry(VmStatus vm)
    {
        var state = vm.State == VmState.Pinned ? "" : $" {vm.State}";
        var room = Math.Max(16, _width - LongestTag - 2 - state.Length);
        var cpus = vm.Cpuset?.ToString() ?? "?";
        var name = Cut.Middle($"{vm.Namespace}/{vm.Name}", room * 2 / 3);
        return $"{name} {Cut.End(cpus, Math.Min(24, room - Flow.WidthOf(name)))}{state}";
    }
}
