using System.Collections.Frozen;
using System.Collections.Immutable;
using PinAgent.Model.Cpu;
using PinAgent.Model.Text;
using PinAgent.Model.Vm;
using PinAgent.Report.Map;
using PinAgent.Report.Status;
using PinAgent.Report.Waits;

namespace PinAgent.Report.Page;

/// <summary>
/// The map as a picture to keep: for a ticket, say. What it shows and in which words and colours is the page's; it needs no
/// other file, and has a light ground. Pure.
/// </summary>
internal sealed class MapSvg
{
    private const int Width = 1240;
    private const int Margin = 20;
    private const int Gap = 8;
    private const int Line = 18;

    private readonly NodeStatus _status;
    private readonly NodeMap _map;
    private readonly ImmutableArray<VmTag?> _tags;
    private readonly FrozenDictionary<int, VcpuWait> _waits;
    private readonly bool _showsWaits;
    private readonly SvgCell _cell;
    private readonly List<Html> _shapes = [];
    private int _y = Margin;

    private MapSvg(NodeStatus status, bool showsWaits)
    {
        (_status, _map, _tags) = (status, NodeMap.Of(status), VmTag.Of(status));
        (_waits, _showsWaits) = (WaitWords.ByCpu(status), showsWaits);
        _cell = new SvgCell(_map.Cpus.Count());
    }

    /// <summary>The document.</summary>
    /// <param name="showsWaits">Whether colours and figures say how long the vCPUs waited, and not whose they are.</param>
    public static Html Render(NodeStatus status, bool showsWaits = false) =>
        new MapSvg(status, showsWaits).Render();

    private Html Render()
    {
        Text(Margin, 20, _status.Node, "600", "#1a1d21");
        var verdict = Verdict.Of(_status, _map);
        foreach (
            var line in SvgText.Wrap(
                _status.Vms.IsEmpty && _status.Waits is null ? "" : verdict.Sentence,
                150
            )
        )
        {
            Text(Margin, 13, line, "400", "#1a1d21");
        }

        if (_status.Waits is { } waits)
        {
            var what = _showsWaits
                ? "figures: the share of the last seconds in which the vCPU could have run and waited, in percent"
                : "";
            Text(Margin, 12, $"{Times.Utc(waits.At)} {what}", "400", "#5b6470");
        }

        foreach (var socket in CpuTree.Of(_status.Topology))
        {
            foreach (var numa in socket.NumaNodes)
            {
                Numa(socket.Id, numa);
            }
        }

        Offline();
        if (!_showsWaits)
        {
            _y += Gap;
            Text(
                Margin,
                11,
                (
                    _cell.IsTiny ? "letters: the VM; "
                    : _cell.IsShort
                        ? "v0 vCPU 0; em emulator; io I/O thread; – unused; ~ not pinned; sh shared; ex another container's; "
                    : ""
                ) + "? belongs here, isn't there; barred below: no vCPU",
                "400",
                "#5b6470"
            );
        }

        Names();
        return Html.Of(
            $"""
            <svg xmlns="http://www.w3.org/2000/svg" width="{Width}" height="{_y
                + Margin}" viewBox="0 0 {Width} {_y
                + Margin}" font-family="system-ui, 'Segoe UI', Roboto, 'Noto Sans', 'Liberation Sans', sans-serif">
            <title>CPUs of {_status.Node}</title>
            <rect width="{Width}" height="{_y + Margin}" fill="#fff"/>
            {Html.Lines(_shapes)}
            </svg>
            """
        );
    }

    private void Numa(int socket, NumaGroup numa)
    {
        _y += Gap;
        Text(Margin, 12, $"Socket {socket}, NUMA node {numa.Id}", "600", "#5b6470");
        var (x, rowHeight) = (Margin, 0);
        foreach (var l3 in numa.L3Groups)
        {
            var threads = l3.Cores.Max(core => core.Cpus.Length);
            var columns = Math.Min(
                l3.Cores.Length,
                (Width - (2 * Margin)) / (_cell.Width + _cell.Gap)
            );
            var rows = (l3.Cores.Length + columns - 1) / columns;
            var (width, height) = (
                columns * (_cell.Width + _cell.Gap),
                Line + (rows * ((threads * _cell.Height) + _cell.Gap))
            );
            if (x + width > Width - Margin && x > Margin)
            {
                (x, _y, rowHeight) = (Margin, _y + rowHeight, 0);
            }

            var name =
                (l3.Id is { } id ? $"L3 {id}" : "L3 unknown")
                + (_cell.IsTiny ? $" · {CpuSet.Of(l3.Cores.SelectMany(core => core.Cpus))}" : "");
            _shapes.Add(SvgText.At(x, _y + 12, 11, name, "400", "#5b6470"));
            foreach (var (at, core) in l3.Cores.Index())
            {
                foreach (var (thread, cpu) in core.Cpus.Index())
                {
                    Cpu(
                        _map[cpu],
                        x + (at % columns * (_cell.Width + _cell.Gap)),
                        _y
                            + Line
                            + (at / columns * ((threads * _cell.Height) + _cell.Gap))
                            + (thread * _cell.Height)
                    );
                }
            }

            x += width + Gap;
            rowHeight = Math.Max(rowHeight, height);
        }

        _y += rowHeight;
    }

    private void Offline()
    {
        var offline = CpuSet.Of(
            _map.Cpus.Where(cpu => cpu.Use == CpuUse.Offline).Select(cpu => cpu.Id)
        );
        if (!offline.IsEmpty)
        {
            _y += Gap;
            Text(
                Margin,
                12,
                $"Offline: CPUs {SvgText.Cut(offline.ToString(), 150)}",
                "400",
                "#5b6470"
            );
        }
    }

    private void Cpu(MappedCpu cpu, int x, int y)
    {
        var wait = cpu.Use == CpuUse.Vm ? _waits.GetValueOrDefault(cpu.Id) : null;
        var owner = cpu.Use == CpuUse.Vm && !cpu.Owners.IsEmpty ? _tags[cpu.Owners[0].Vm] : null;
        var words =
            CpuWords.Describe(cpu, _status) + (wait is null ? "" : $"; {WaitWords.Describe(wait)}");
        var mark =
            !_showsWaits ? CpuWords.Mark(cpu, _cell.IsShort)
            : wait is null ? ""
            : _cell.IsShort ? WaitWords.Number(wait.Share)
            : WaitWords.Percent(wait.Share);
        var isPlaced = owner is not null && (cpu.IsContested || !cpu.Owners[0].Roles.IsEmpty);
        var (fill, text) = (_showsWaits, wait) switch
        {
            (true, { Share: var share }) => SvgText.Heat(WaitWords.Level(share)),
            (false, _) when isPlaced => (SvgText.Colour(owner!.Colour), "#14171a"),
            _ => ("#f6f7f9", "#5b6470"),
        };
        var isThere = owner is null || cpu.Owners[0].Roles is [] or [{ IsThere: true }, ..];
        var letters = owner is null ? "" : $"{owner.Letters}{(cpu.IsContested ? "+" : "")}";
        var tag = _showsWaits && _cell.IsTiny ? mark : letters;
        _shapes.Add(
            _cell.Render(
                (x, y),
                new SvgCellContent(
                    words,
                    cpu.Id,
                    tag,
                    mark,
                    fill,
                    text,
                    cpu.IsContested ? "#b3201c"
                        : isThere ? "#d9dde3"
                        : "#14171a",
                    isThere,
                    !_showsWaits
                        && isPlaced
                        && cpu.Owners[0].Roles is [{ Role: not ThreadRole.Vcpu }, ..]
                )
            )
        );
    }

    // Which letters are which VM.
    private void Names()
    {
        const int Columns = 3;
        const int Longest = 52;
        var named = _status.Vms.Zip(_tags).Where(vm => vm.Second is not null).ToList();
        if (named.Count == 0)
        {
            return;
        }

        _y += Gap * 2;
        foreach (var (at, (vm, tag)) in named.Index())
        {
            var (x, y) = (
                Margin + (at % Columns * (Width - (2 * Margin)) / Columns),
                _y + (at / Columns * (Line + 4))
            );
            _shapes.Add(
                Html.Of(
                    $"""<rect x="{x}" y="{y}" width="34" height="{Line}" rx="3" fill="{SvgText.Colour(tag!.Colour)}"/>"""
                )
            );
            _shapes.Add(SvgText.At(x + 5, y + 13, 12, tag.Letters, "700", "#14171a"));
            var state = vm.State == VmState.Pinned ? "" : $" ({vm.State})";
            _shapes.Add(
                SvgText.At(
                    x + 40,
                    y + 13,
                    12,
                    SvgText.Cut($"{vm.Namespace}/{vm.Name}", Longest - state.Length) + state,
                    "400",
                    "#1a1d21"
                )
            );
        }

        _y += (named.Count + Columns - 1) / Columns * (Line + 4);
    }

    private void Text(int x, int size, string text, string weight, string colour)
    {
        _y += size + 6;
        _shapes.Add(SvgText.At(x, _y - 4, size, text, weight, colour));
    }
}
