using PinAgent.Model.Cpu;
using PinAgent.Model.Node;
using PinAgent.Observe.Cgroups;
using PinAgent.Observe.Files;
using PinAgent.Observe.Proc;
using PinAgent.Observe.Qemu;

namespace PinAgent.Observe.Neighbours;

/// <summary>
/// Finds the processes that may run on certain CPUs. One file is read per process, and one system call asks for the mask of
/// each of its threads; the kernel's own threads are left out.
/// </summary>
/// <param name="cgroups">The hierarchy with the cpusets; null if there is none.</param>
/// <param name="pods">Where the kubelet's pods are in it.</param>
internal sealed class ForeignProcesses(
    HostFiles files,
    IAffinityReader affinity,
    CgroupHierarchy? cgroups,
    KubeletCgroups? pods
)
{
    private readonly List<int> _pids = [];
    private readonly List<int> _tids = [];

    /// <summary>The processes, those with the most CPU time first.</summary>
    /// <param name="known">The processes that aren't asked about.</param>
    public IEnumerable<ForeignProcess> Find(CpuSet cpus, IReadOnlySet<int> known)
    {
        // The one with the least CPU time first: where there are too many, it's left out.
        var found = new PriorityQueue<ForeignProcess, ulong>();
        files.ListNumbers($"/proc", _pids);
        foreach (var pid in _pids.Where(pid => !known.Contains(pid)))
        {
            if (
                !files.ReadOnePiece($"/proc/{pid}/stat", out var content).IsSuccess
                || !ProcStat.TryParse(content, out var stat)
                || stat.IsKernelThread
                || stat.HasEnded
            )
            {
                continue;
            }

            var (runTime, comm) = (stat.RunTime, ThreadName.Printable(stat.Name));
            var masks = CountMasks(pid, cpus);
            foreach (var (mask, threads) in masks)
            {
                found.Enqueue(new ForeignProcess(pid, comm, null, mask, threads), runTime);
                if (found.Count > Bounds.ForeignProcesses)
                {
                    found.Dequeue();
                }
            }
        }

        return
        [
            .. found
                .UnorderedItems.OrderByDescending(process => process.Priority)
                .ThenBy(process => process.Element.Pid)
                .Select(process => process.Element with { Cgroup = CgroupOf(process.Element.Pid) }),
        ];
    }

    private Dictionary<CpuSet, int> CountMasks(int pid, CpuSet cpus)
    {
        var masks = new Dictionary<CpuSet, int>();
        files.ListNumbers($"/proc/{pid}/task", _tids, Bounds.ForeignThreads);
        foreach (var tid in _tids)
        {
            if (
                affinity.Read(pid, tid) is { } mask
                && mask.Overlaps(cpus)
                && (masks.Count < Bounds.ForeignMasks || masks.ContainsKey(mask))
            )
            {
                masks[mask] = masks.GetValueOrDefault(mask) + 1;
            }
        }

        return masks;
    }

    private CgroupLocation? CgroupOf(int pid) =>
        cgroups is not null
        && files.ReadOnePiece($"/proc/{pid}/cgroup", out var content).IsSuccess
        && ProcCgroup.TryParse(content, cgroups.Mount.IsV1, out var path)
        && cgroups.Resolve(path) is { } resolved
            ? pods?.Locate(resolved)
            : null;
}
