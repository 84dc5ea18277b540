using System.Collections.Immutable;
using PinAgent.Model.Cpu;
using PinAgent.Model.Vm;
using PinAgent.Report.Map;
using PinAgent.Report.Status;

namespace PinAgent.Report.Page;

/// <summary>The map of CPUs: boxes in boxes, as the machine is built, and a cell for each CPU.</summary>
/// <param name="tags">What stands for the VMs.</param>
internal sealed class MapHtml(NodeStatus status, NodeMap map, ImmutableArray<VmTag?> tags)
{
    // Up to so many CPUs there's room for VMs' names, and beyond so many for abbreviations only.
    private const int Roomy = 16;
    private const int Dense = 64;

    private readonly bool _isDense = map.Cpus.Count() > Dense;
    private readonly bool _isRoomy = map.Cpus.Count() <= Roomy;

    /// <summary>The section.</summary>
    public Html Render()
    {
        var size =
            _isRoomy ? "roomy"
            : _isDense ? "dense"
            : "regular";
        return Html.Of(
            $"""
            <section class="map {size}" aria-labelledby="cpus">
            <div class="head"><h2 id="cpus">CPUs</h2><p class="inspector" aria-hidden="true"></p></div>
            {Html.Lines(CpuTree.Of(status.Topology).Select(Socket))}
            {Offline()}
            {Legend()}
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
        var name = isNamed
            ? Html.Of($"<h5>{(l3.Id is { } id ? $"L3 {id}" : "L3 unknown")}</h5>")
            : Html.None;
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

        var letters = string.Join(' ', cpu.Owners.Select(owner => tags[owner.Vm]!.Letters));
        return Html.Of(
            $"""<a class="{Class(cpu)}" id="cpu-{cpu.Id}" href="#vm-{status.Vms[cpu.Owners[0].Vm].Pid}" data-vm="{letters}" aria-label="{name}">{Cell(cpu)}</a>"""
        );
    }

    private Html Cell(MappedCpu cpu)
    {
        var tag = cpu.Owners.IsEmpty
            ? Html.None
            : Html.Of(
                $"""<b class="tag">{string.Concat(cpu.Owners.Select(owner => tags[owner.Vm]!.Letters))}</b>"""
            );
        var vm = _isRoomy && cpu.Owners.Length == 1 ? status.Vms[cpu.Owners[0].Vm].Name : null;
        var named = vm is null
            ? Html.None
            : Html.Of($"""<span class="name"><bdi>{vm}</bdi></span>""");
        return Html.Of(
            $"""<span class="id">{cpu.Id}</span>{tag}<span class="mark">{CpuWords.Mark(cpu, isShort: _isDense)}</span>{named}"""
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
            _ => $"{Look(cpu.Owners)} {Colours(cpu.Owners)}",
        };
        return $"cpu {use}";
    }

    private string Colours(ImmutableArray<CpuOwner> owners) =>
        $"c{tags[owners[0].Vm]!.Colour}"
        + (owners.Length > 1 ? $" d{tags[owners[1].Vm]!.Colour}" : "");

    private static string Look(ImmutableArray<CpuOwner> owners) =>
        owners switch
        {
            { Length: > 1 } => "conflict",
            [{ Roles.IsEmpty: true, Floats: true }] => "floating",
            [{ Roles.IsEmpty: true }] => "spare",
            [{ Roles: [{ IsThere: false }, ..] }] => "wanted",
            [{ Roles: [{ Role: ThreadRole.Vcpu }, ..] }] => "vcpu",
            [{ Roles: [{ Role: ThreadRole.IoThread }, ..] }] => "iothread",
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
    private Html Legend()
    {
        var looks = map
            .Cpus.Select(cpu =>
                cpu.Use == CpuUse.Vm ? Look(cpu.Owners) : Class(cpu)["cpu ".Length..]
            )
            .ToHashSet();
        (string Look, string Short, string Long, string Meaning)[] all =
        [
            ("vcpu", "v0", "vCPU 0", "vCPU 0 of the VM of this colour and letter"),
            ("emulator", "em", "emulator", "emulator: QEMU's own threads"),
            ("iothread", "io1", "I/O 1", "I/O thread 1 of the VM"),
            ("wanted", "v0?", "vCPU 0?", "belongs here, isn't there"),
            ("floating", "~", "unpinned", "not pinned: the VM's threads float"),
            ("spare", "–", "unused", "the VM's, unused"),
            ("conflict", "!", "conflict", "more than one VM's"),
            ("pool", "sh", "shared", "shared pool"),
            ("beside", "em", "emulator", "no VM's own: QEMU's own threads of one or more run here"),
            ("undedicated", "vm", "other VMs", "VMs that aren't dedicated may run here"),
            ("other", "ex", "exclusive", "exclusive to a container that is no dedicated VM"),
            ("free", "·", "free", "no dedicated VM"),
            ("offline", "off", "offline", "offline"),
        ];
        return Html.Of(
            $"""
            <ul class="legend" aria-label="Legend">
            {Html.Lines(
                all.Where(item => looks.Contains(item.Look)).Select(item =>
                    Html.Of(
                        $"""<li><span class="cpu {item.Look}" aria-hidden="true"><span class="mark">{(_isDense ? item.Short : item.Long)}</span></span> {item.Meaning}</li>"""
                    )
                )
            )}
            </ul>
            """
        );
    }
}
