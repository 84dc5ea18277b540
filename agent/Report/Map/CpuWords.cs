using PinAgent.Model.Cpu;
using PinAgent.Model.Text;
using PinAgent.Model.Vm;
using PinAgent.Report.Status;

namespace PinAgent.Report.Map;

/// <summary>A CPU in words: a mark for its cell on the map, and a sentence.</summary>
internal static class CpuWords
{
    // A sentence for each of hundreds of CPUs.
    private const int MostOwners = 6;

    /// <summary>The mark of a CPU: what it's there for in the first place.</summary>
    /// <param name="isShort">Whether there's room for no more than a few letters.</param>
    public static string Mark(MappedCpu cpu, bool isShort) =>
        cpu switch
        {
            { IsContested: true } => isShort ? "!" : "conflict",
            { Use: CpuUse.Vm } => Mark(cpu.Owners[0], isShort),
            { Use: CpuUse.Beside } => Mark(cpu.Owners[0], isShort),
            { Use: CpuUse.Undedicated } => isShort ? "vm" : "other VMs",
            { Use: CpuUse.SharedPool } => isShort ? "sh" : "shared",
            { Use: CpuUse.OtherExclusive } => isShort ? "ex" : "exclusive",
            { Use: CpuUse.Offline } => isShort ? "off" : "offline",
            _ => isShort ? "·" : "free",
        };

    /// <summary>The sentence: <c>CPU 7: default/vm1, vCPU 3</c>.</summary>
    public static string Describe(MappedCpu cpu, NodeStatus status)
    {
        var use = cpu.Use switch
        {
            CpuUse.SharedPool => "shared pool",
            CpuUse.OtherExclusive => "exclusive to a container that is no dedicated VM",
            CpuUse.Offline => "offline",
            CpuUse.Free => "no dedicated VM",
            CpuUse.Undedicated => "no dedicated VM; others may run here",
            _ => string.Join(
                "; ",
                cpu.Owners.Take(MostOwners)
                    .Select(owner =>
                    {
                        var vm = status.Vms[owner.Vm];
                        return $"{vm.Namespace}/{vm.Name}, {Describe(owner)}";
                    })
                    .Concat(
                        cpu.Owners.Length > MostOwners
                            ? [$"{cpu.Owners.Length - MostOwners} more VMs"]
                            : []
                    )
            ),
        };
        var kind = cpu.Kind is { } found ? $" ({found.Word()} core)" : "";
        var state =
            cpu.IsContested ? "conflict: "
            : cpu.Use == CpuUse.Beside ? "no VM's own: "
            : "";
        return $"CPU {cpu.Id}{kind}: {state}{use}";
    }

    private static string Mark(CpuOwner owner, bool isShort)
    {
        if (owner.Roles.IsEmpty)
        {
            return (owner.Floats, isShort) switch
            {
                (true, true) => "~",
                (true, false) => "unpinned",
                (false, true) => "–",
                (false, false) => "unused",
            };
        }

        var first = owner.Roles[0];
        var alike = owner.Roles.TakeWhile(role =>
            role.Role == first.Role && role.IsThere == first.IsThere && role.Index is not null
        );
        var marks = string.Join(
            ' ',
            alike.Select(role => Word(role, isShort)).DefaultIfEmpty(Word(first, isShort))
        );
        return first.IsThere ? marks : $"{marks}?";
    }

    private static string Describe(CpuOwner owner)
    {
        if (owner is { IsVisitor: true, Roles.IsEmpty: true })
        {
            return "not pinned: its threads may run here too";
        }

        if (owner.Roles.IsEmpty)
        {
            return owner.Floats ? "not pinned: its threads may run here" : "in its cpuset, unused";
        }

        return string.Join(
            ", ",
            owner.Roles.Select(role =>
                $"{(role.Count > 1 ? $"{role.Count} × " : "")}{Word(role, isShort: false)}"
                + (role.IsThere ? "" : " (wanted, not there)")
            )
        );
    }

    private static string Word(CpuRole role, bool isShort) =>
        (role.Role, isShort) switch
        {
            (ThreadRole.Vcpu, true) => $"v{role.Index}",
            (ThreadRole.Vcpu, false) => $"vCPU {role.Index}",
            (ThreadRole.Emulator, true) => "em",
            (ThreadRole.IoThread, true) => $"io{role.Index}",
            (ThreadRole.IoThread, false) => $"I/O {role.Index}".TrimEnd(),
            (ThreadRole.Vhost, true) => "vh",
            (ThreadRole.KvmPit, true) => "kp",
            (ThreadRole.Helper, true) => "hp",
            _ => role.Role.ToWord(),
        };
}
