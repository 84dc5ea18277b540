using System.Collections.Frozen;
using System.Collections.Immutable;
using PinAgent.Model.Cpu;
using PinAgent.Model.Vm;
using PinAgent.Report.Map;
using PinAgent.Report.Status;
using PinAgent.Report.Waits;

namespace PinAgent.Report.Page;

/// <summary>The map of CPUs: boxes in boxes, as the machine is built, and a cell for each CPU.</summary>
/// <param name="tags">What stands for the VMs.</param>
internal sealed class MapHtml(NodeStatus status, NodeMap map, ImmutableArray<VmTag?> tags)
{
    // Of many VMs on one CPU, so many have their letters on it, and so many are found by pointing at it.
    private const int MostLetters = 2;
    private const int MostTraced = 20;

    private readonly FrozenDictionary<int, VcpuWait> _waits = WaitWords.ByCpu(status);
    private readonly bool _isDense = map.Cpus.Count() > NodeMap.Dense;
    private readonly bool _isCrowded = map.Cpus.Count() > NodeMap.Crowded;
    private readonly bool _isRoomy = map.Cpus.Count() <= NodeMap.Roomy;

    /// <summary>The section.</summary>
    public Html Render()
    {
        var size =
            _isRoomy ? "roomy"
            : _isCrowded ? "dense crowded"
            : _isDense ? "dense"
            : "regular";
        return Html.Of(
            $"""
            <section class="map {size}" aria-labelledby="cpus">
            <div class="head"><h2 id="cpus">CPUs</h2>{Switch()}</div>
            {LegendHtml.Uses(Looks(), _isDense)}
            {(status.Waits is null ? Html.None : LegendHtml.Waits())}
            <p class="inspector" aria-hidden="true"></p>
            {Html.Lines(CpuTree.Of(status.Topology).Select(Socket))}
            {Offline()}
            {Picture()}
            </section>
            """
        );
    }

    private Html Socket(SocketGroup socket) =>
        Html.Of(
            $"""
            <section class="socket" aria-label="Socket {socket.Id}">
            <h3>Socket {socket.Id}</h3>
            <div class="nodes">
            {Html.Lines(socket.NumaNodes.Select(Numa))}
            </div>
            </section>
            """
        );

    private Html Numa(NumaGroup numa)
    {
        // One cache needs no box of its own.
        var only = numa.L3Groups is [{ Id: { } id }] ? Html.Of($" · L3 {id}") : Html.None;
        return Html.Of(
            $"""
            <section class="numa">
            <h4>NUMA node {numa.Id}{only}</h4>
            <div class="caches">
            {Html.Lines(numa.L3Groups.Select(l3 => L3(l3, numa.L3Groups.Length > 1)))}
            </div>
            </section>
            """
        );
    }

    private Html L3(L3Group l3, bool isNamed)
    {
        // Where cells have no numbers, their box says which they are.
        var words = string.Join(
            " · ",
            new[]
            {
                isNamed
                    ? l3.Id is { } id
                        ? $"L3 {id}"
                        : "L3 unknown"
                    : null,
                _isCrowded ? $"{CpuSet.Of(l3.Cores.SelectMany(core => core.Cpus))}" : null,
            }.OfType<string>()
        );
        var name = words.Length > 0 ? Html.Of($"<h5>{words}</h5>") : Html.None;
        return Html.Of(
            $"""
            <div class="l3">{name}<ul class="cores">
            {Html.Lines(l3.Cores.Select(Core))}
            </ul></div>
            """
        );
    }

    private Html Core(CoreGroup core)
    {
        var kind = core.Kind switch
        {
            CoreKind.Performance => " p-core",
            CoreKind.Efficiency => " e-core",
            CoreKind.LowPower => " lp-core",
            _ => "",
        };
        return Html.Of(
            $"""<li class="core{kind}" aria-label="Core {core.Id}{kind}">{Html.Lines(core.Cpus.Select(id => Cpu(map[id])))}</li>"""
        );
    }

    private Html Cpu(MappedCpu cpu)
    {
        var name = CpuWords.Describe(cpu, status);
        if (cpu.Use != CpuUse.Vm)
        {
            return Html.Of(
                $"""<span class="{Class(cpu)}" id="cpu-{cpu.Id}" data-about="{name}">{Cell(cpu)}</span>"""
            );
        }

        var letters = string.Join(
            ' ',
            cpu.Owners.Take(MostTraced).Select(owner => tags[owner.Vm]!.Letters)
        );
        var wait = _waits.GetValueOrDefault(cpu.Id);
        var heat = wait is null ? "" : $" h{WaitWords.Level(wait.Share)}";
        var title = wait is null ? Html.None : Html.Of($""" title="{WaitWords.Describe(wait)}" """);
        return Html.Of(
            $"""<a class="{Class(cpu)}{heat}" id="cpu-{cpu.Id}" href="#vm-{status.Vms[cpu.Owners[0].Vm].Pid}" data-vm="{letters}" aria-label="{name}"{title}>{Cell(cpu)}</a>"""
        );
    }

    private Html Cell(MappedCpu cpu)
    {
        var tag = cpu.Owners.IsEmpty
            ? Html.None
            : Html.Of(
                $"""<b class="tag">{Letters([.. cpu.Owners.Where(owner => !owner.IsVisitor || cpu.Owners[0].IsVisitor)])}</b>"""
            );
        var vm =
            _isRoomy && cpu.Owners.Length > 0 && !cpu.IsContested
                ? status.Vms[cpu.Owners[0].Vm].Name
                : null;
        var named = vm is null
            ? Html.None
            : Html.Of($"""<span class="name"><bdi>{vm}</bdi></span>""");
        var waited =
            cpu.Use == CpuUse.Vm && _waits.TryGetValue(cpu.Id, out var wait)
                ? Html.Of(
                    $"""<span class="wait">{(_isDense ? WaitWords.Number(wait.Share) : WaitWords.Percent(wait.Share))}</span>"""
                )
                : Html.None;
        return Html.Of(
            $"""<span class="id">{cpu.Id}</span>{tag}<span class="mark">{CpuWords.Mark(cpu, isShort: _isDense)}</span>{waited}{named}"""
        );
    }

    private string Class(MappedCpu cpu)
    {
        var use = cpu.Use switch
        {
            CpuUse.SharedPool => "pool",
            CpuUse.OtherExclusive => "other",
            CpuUse.Offline => "offline",
            CpuUse.Free => "free",
            CpuUse.Beside => "beside",
            CpuUse.Undedicated => "undedicated",
            _ => $"{Look(cpu)} {Colours(cpu)}",
        };
        return $"cpu {use}";
    }

    private string Letters(ImmutableArray<CpuOwner> owners) =>
        owners.Length > MostLetters
            ? $"{tags[owners[0].Vm]!.Letters}+{owners.Length - 1}"
            : string.Concat(owners.Select(owner => tags[owner.Vm]!.Letters));

    private string Colours(MappedCpu cpu) =>
        $"c{tags[cpu.Owners[0].Vm]!.Colour}"
        + (cpu.IsContested ? $" d{tags[cpu.Owners[1].Vm]!.Colour}" : "");

    private string Look(MappedCpu cpu) =>
        cpu.IsContested
            ? "conflict"
            : cpu.Owners[0] switch
            {
                { Roles.IsEmpty: true, Floats: true } => "floating",
                { Roles.IsEmpty: true } => "spare",
                { Roles: [{ IsThere: false }, ..], Vm: var vm } => status.Vms[vm].Reason
                == Reason.AuditMode
                    ? "would"
                    : "wanted",
                { Roles: [{ Role: ThreadRole.Vcpu }, ..] } => "vcpu",
                { Roles: [{ Role: ThreadRole.IoThread }, ..] } => "iothread",
                _ => "emulator",
            };

    private Html Offline() =>
        map.Cpus.Where(cpu => cpu.Use == CpuUse.Offline).ToList() is { Count: > 0 } offline
            ? Html.Of(
                $"""
                <section class="socket"><h3>Offline</h3><div class="nodes"><div class="numa"><ul class="cores">
                {Html.Lines(
                    offline.Select(cpu => Html.Of($"""<li class="core">{Cpu(cpu)}</li>"""))
                )}
                </ul></div></div></section>
                """
            )
            : Html.None;

    // Only what is on this map.
    private HashSet<string> Looks() =>
        map
            .Cpus.Select(cpu => cpu.Use == CpuUse.Vm ? Look(cpu) : Class(cpu)["cpu ".Length..])
            .ToHashSet();

    private Html Picture()
    {
        var waits = status.Waits is null
            ? Html.None
            : Html.Of(
                $"""<a class="heat" href="/map.svg?show=waits" download="waits-of-{status.Node}.svg">Save as picture</a>"""
            );
        return Html.Of(
            $"""<p class="save"><a class="uses" href="/map.svg" download="cpus-of-{status.Node}.svg">Save as picture</a>{waits}</p>"""
        );
    }

    // Without JavaScript too: the style sheet looks which of the two is chosen.
    private Html Switch() =>
        status.Waits is null
            ? Html.None
            : Html.Of(
                $"""
                <fieldset class="switch"><legend>Show</legend>
                <label><input type="radio" name="show" id="show-uses" checked> whose it is</label>
                <label><input type="radio" name="show" id="show-waits"> how long it waited</label>
                </fieldset>
                """
            );
}
