using System.Collections.Immutable;
using PinAgent.Model.Cpu;
using PinAgent.Model.Vm;
using PinAgent.Plan.Placement;

namespace PinAgent.Plan.Threads;

/// <summary>What an administrator should know of where a VM's vCPUs are, though all of them are pinned. Pure.</summary>
internal static class PlacementAdvisories
{
    /// <summary>The sentences.</summary>
    public static ImmutableArray<string> Of(
        VmShape shape,
        CpuPlacement placement,
        NodeTopology topology
    )
    {
        // A CPU that has just gone offline is none of the topology's. A number that no guest has is its process's choice.
        var vcpus = shape
            .VcpuNumbers.Zip(placement.Vcpus, (vcpu, cpu) => (vcpu, Cpu: topology.Find(cpu)))
            .Where(at => at.Cpu is not null && at.vcpu < GuestTopology.MaxVcpus)
            .Select(at => (at.vcpu, at.Cpu!))
            .ToList();
        return [.. Kinds(vcpus), .. Sockets(shape, vcpus)];
    }

    private static IEnumerable<string> Kinds(List<(int Vcpu, LogicalCpu Cpu)> vcpus)
    {
        var kinds = vcpus
            .GroupBy(at => at.Cpu.Kind, at => at.Vcpu)
            .OrderBy(kind => kind.Key)
            .Select(kind => $"{Vcpus(kind)} on {kind.Key.Word()} cores")
            .ToList();
        if (kinds.Count > 1)
        {
            yield return $"{string.Join(", ", kinds)}: the guest takes its vCPUs for alike; give the VM CPUs of one kind";
        }
    }

    private static IEnumerable<string> Sockets(
        VmShape shape,
        List<(int Vcpu, LogicalCpu Cpu)> vcpus
    )
    {
        var guest = shape.Vm.Guest;
        if (shape.NumaPassthrough || guest.NumaNodes > 1)
        {
            yield break;
        }

        var straddling = vcpus
            .GroupBy(at => at.Vcpu / (guest.Full.Cores * guest.Full.Threads), at => at.Cpu.Numa)
            .Select(socket => (Socket: socket.Key, Nodes: CpuSet.Of(socket)))
            .Where(socket => socket.Nodes.Count > 1)
            .ToList();
        if (straddling.Count > 0)
        {
            var sockets = CpuSet.Of(straddling.Select(socket => socket.Socket));
            var nodes = CpuSet.UnionOf(straddling.Select(socket => socket.Nodes));
            yield return $"guest {(sockets.Count == 1 ? $"socket {sockets} has" : $"sockets {sockets} have")} vCPUs on the host's NUMA "
                + $"nodes {nodes}, which the guest doesn't see, so it can't keep memory near them: give the VM CPUs of one node, or "
                + "let it see them";
        }
    }

    private static string Vcpus(IEnumerable<int> numbers)
    {
        var vcpus = CpuSet.Of(numbers);
        return $"{(vcpus.Count == 1 ? "vCPU" : "vCPUs")} {vcpus}";
    }
}
