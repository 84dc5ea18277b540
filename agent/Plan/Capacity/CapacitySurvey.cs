using System.Numerics;
using PinAgent.Model.Cpu;
using PinAgent.Model.Kubernetes;
using PinAgent.Model.Node;
using PinAgent.Plan.Dedication;

namespace PinAgent.Plan.Capacity;

/// <summary>What a node has left, by what was observed of it. Pure; what isn't known is assumed, and said.</summary>
internal static class CapacitySurvey
{
    /// <summary>Counts.</summary>
    /// <param name="ofVms">The CPUs that the agent holds for VMs; null if that isn't known.</param>
    public static CapacityNode Of(NodeSnapshot node, CpuSet? ofVms = null)
    {
        var notes = new List<string>();
        var free = FreeCpus(node, ofVms ?? CpuSet.Empty, notes);
        var topology = node.Topology;
        var freeCores = topology
            .Cpus.GroupBy(cpu => (cpu.Socket, cpu.Core))
            .Count(core => core.All(cpu => free.Contains(cpu.Id)));
        var (milli, memory) = FreeByRequests(node, free, notes);
        return new(
            free.Count,
            freeCores,
            Math.Max(1, topology.Online.Count / Math.Max(1, topology.CoreCount)),
            milli,
            memory,
            [.. notes]
        );
    }

    private static CpuSet FreeCpus(NodeSnapshot node, CpuSet ofVms, List<string> notes)
    {
        var online = node.Topology.Online;
        switch (node.CpuManager.State)
        {
            case CpuManagerState.Static when node.CpuManager.SharedPool is { } pool:
                return pool.Intersect(online).Except(Reserved(node, notes));
            case CpuManagerState.None:
                notes.Add("the kubelet's CPU manager has policy none, so it gives out no CPUs");
                return CpuSet.Empty;
            default:
                notes.Add(
                    "no static CPU manager is known here: every online CPU counts that no VM was given, by its cgroup or by the agent"
                );
                return node
                    .Vms.Select(vm => vm.GivenCpuset)
                    .OfType<CpuSet>()
                    .Where(given => !online.IsSubsetOf(given))
                    .Aggregate(online.Except(ofVms), (left, given) => left.Except(given));
        }
    }

    private static CpuSet Reserved(NodeSnapshot node, List<string> notes)
    {
        var online = node.Topology.Online;
        if (node.PodResources is { Allocatable: { IsEmpty: false } given })
        {
            return online.Except(given);
        }

        if (node.Cluster?.Allocatable?.Cpu is { } allocatable)
        {
            // The kubelet rounds up what it reserves.
            var count =
                online.Count - (int)BigInteger.Min(allocatable.MilliValue / 1000, online.Count);
            notes.Add(
                $"{count} CPUs are reserved, by the node's allocatable CPUs; assumed the first cores', as the kubelet takes "
                    + "them where no list is set"
            );
            return First(node.Topology, count);
        }

        notes.Add(
            "which CPUs are reserved isn't known: assumed one, the least that the static policy accepts"
        );
        return First(node.Topology, 1);
    }

    private static CpuSet First(NodeTopology topology, int count) =>
        CpuSet.Of(topology.Cpus.SelectMany(cpu => topology.SiblingsOf(cpu)).Distinct().Take(count));

    private static (BigInteger Milli, BigInteger? Memory) FreeByRequests(
        NodeSnapshot node,
        CpuSet free,
        List<string> notes
    )
    {
        if (node.Cluster is not { Allocatable: { Cpu: { } cpu } allocatable } cluster)
        {
            notes.Add(
                "no cluster tells what pods request: those without exclusive CPUs count as none, and memory isn't counted"
            );
            return (1000 * free.Count, null);
        }

        var pods = cluster.Pods.Values.Where(pod => !pod.IsFinished).ToList();
        if (cluster.Sync.State != SyncState.Synced || pods.Exists(pod => pod.Problem is not null))
        {
            notes.Add("the API server hasn't told of every pod: those missing count as none");
        }

        var requestedCpu = Sum(
            pods,
            container => (container.CpuRequest ?? container.CpuLimit)?.MilliValue,
            pod => pod.CpuOverhead?.MilliValue
        );
        var requestedMemory = Sum(
            pods,
            container => (container.MemoryRequest ?? container.MemoryLimit)?.Value,
            pod => pod.MemoryOverhead?.Value
        );
        return (cpu.MilliValue - requestedCpu, allocatable.Memory?.Value - requestedMemory);
    }

    private static BigInteger Sum(
        IEnumerable<PodFacts> pods,
        Func<PodContainer, BigInteger?> request,
        Func<PodFacts, BigInteger?> overhead
    ) =>
        pods.Aggregate(
            BigInteger.Zero,
            (sum, pod) => sum + PodRequests.Of(pod.Containers, request) + (overhead(pod) ?? 0)
        );
}
