using PinAgent.Model.Cpu;
using PinAgent.Model.Node;
using PinAgent.Observe.Files;
using PinAgent.Observe.Proc;

namespace PinAgent.Observe.Neighbours;

/// <summary>
/// Finds the devices' interrupts that reach certain CPUs. It remembers the counts of the look before, so that it can tell
/// which have fired since. Sources: proc_interrupts(5); the kernel's <c>Documentation/core-api/irq/irq-affinity.rst</c>.
/// </summary>
internal sealed class InterruptScan
{
    private Dictionary<(int? Number, string Name), InterruptLine>? _before;

    /// <summary>Looks. The first look doesn't know what has fired.</summary>
    public IEnumerable<DeviceInterrupt> Look(HostFiles files, CpuSet cpus)
    {
        files.Read($"/proc/interrupts", out var content, Bounds.MachineFile);
        var devices = ProcInterrupts
            .Parse(content)
            .Where(line => line.IsDevice && line.Counts.Count > 0)
            .DistinctBy(line => (line.Number, line.Name))
            .ToDictionary(line => (line.Number, line.Name));
        var before = _before;
        _before = devices;
        return
        [
            .. devices
                .Values.Select(line => new DeviceInterrupt(
                    line.Number ?? 0,
                    line.Name,
                    ReadRoute(files, line.Number ?? 0).Intersect(cpus),
                    before is null ? CpuSet.Empty : Fired(line, before).Intersect(cpus)
                ))
                .Where(device => !device.Routed.IsEmpty || !device.Fired.IsEmpty),
        ];
    }

    private static CpuSet Fired(
        InterruptLine line,
        Dictionary<(int? Number, string Name), InterruptLine> before
    )
    {
        var old = before.GetValueOrDefault((line.Number, line.Name))?.Counts;
        return CpuSet.Of(
            line.Counts.Where(count => count.Value > (old?.GetValueOrDefault(count.Key) ?? 0))
                .Select(count => count.Key)
        );
    }

    // /proc/irq/24/effective_affinity_list: "1", where it really goes within smp_affinity; not on every architecture.
    private static CpuSet ReadRoute(HostFiles files, int number) =>
        files.Read($"/proc/irq/{number}/effective_affinity_list", out var content).IsSuccess
        && CpuSet.TryParse(content, out var cpus, out _)
            ? cpus
            : CpuSet.Empty;
}
