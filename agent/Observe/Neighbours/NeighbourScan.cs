using System.Collections.Immutable;
using PinAgent.Model.Cpu;
using PinAgent.Model.Node;
using PinAgent.Observe.Cgroups;
using PinAgent.Observe.Files;
using PinAgent.Observe.Qemu;

namespace PinAgent.Observe.Neighbours;

/// <summary>
/// Looks at what is around the VMs: every process's masks, the devices' interrupts, the containers' CPU limits. That's too
/// much for every pass. Not safe for use by several threads.
/// </summary>
/// <param name="root">The folder in which <c>/proc</c> and <c>/sys</c> are looked for.</param>
/// <param name="isLive">Whether the kernel can be asked for masks, or only the files.</param>
/// <param name="kubelet">Where the kubelet has its things; null for where it usually has them.</param>
/// <param name="self">The agent's own process there, which is no neighbour; null if it isn't there.</param>
internal sealed class NeighbourScan(
    string root,
    bool isLive,
    KubeletPlace? kubelet = null,
    int? self = null
)
{
    private readonly InterruptScan _interrupts = new();
    private readonly ThrottlingScan _throttling = new();
    private KubeletCgroups? _pods;

    /// <summary>Looks once.</summary>
    public NodeNeighbours Look(ImmutableArray<ScannedVm> vms)
    {
        if (vms.IsEmpty)
        {
            return NodeNeighbours.Nothing;
        }

        // Its own, for /proc/interrupts of a large machine has megabytes, and the buffer would stay.
        using var files = new HostFiles(root);
        var cgroups = CgroupHierarchy.TryOpen(files, out _, kubelet);
        _pods ??= cgroups?.Pods;
        var isolated = vms.Where(target =>
                target.Vm is { Cgroup: { } cgroup, Cpuset: not null }
                && cgroups?.IsIsolated(cgroup.Path) is true
            )
            .Aggregate(CpuSet.Empty, (cpus, target) => cpus.Union(target.Vm.Cpuset!));
        var placed = vms.Where(target => !target.VcpuCpus.IsEmpty).ToList();
        if (placed.Count == 0)
        {
            return NodeNeighbours.Nothing with { Isolated = isolated };
        }

        var cpus = CpuSet.Of(placed.SelectMany(target => target.VcpuCpus));
        IAffinityReader affinity = isLive
            ? new LiveAffinityReader()
            : new RecordedAffinityReader(files);
        return new NodeNeighbours
        {
            Processes = new(
                new ForeignProcesses(files, affinity, cgroups, _pods).Find(
                    cpus,
                    placed.Select(target => target.Vm.Key.Pid).Append(self ?? 0).ToHashSet()
                )
            ),
            Interrupts = new(_interrupts.Look(files, cpus)),
            Throttled = new(_throttling.Look(files, placed.Select(target => target.Vm.Key))),
            Isolated = isolated,
        };
    }
}
