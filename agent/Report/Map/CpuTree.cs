using System.Collections.Immutable;
using PinAgent.Model.Cpu;
using PinAgent.Report.Status;

namespace PinAgent.Report.Map;

/// <summary>The online CPUs as a machine is built: sockets → NUMA nodes → L3 groups → cores → CPUs.</summary>
internal static class CpuTree
{
    /// <summary>The sockets of a node, in ascending order at every level; cores in the order of their first CPU.</summary>
    public static ImmutableArray<SocketGroup> Of(TopologyStatus topology) =>
        [
            .. topology
                .Cpus.OrderBy(cpu => cpu.Id)
                .GroupBy(cpu => cpu.Socket)
                .OrderBy(socket => socket.Key)
                .Select(socket => new SocketGroup(
                    socket.Key,
                    [
                        .. socket
                            .GroupBy(cpu => cpu.Numa)
                            .OrderBy(numa => numa.Key)
                            .Select(numa => new NumaGroup(numa.Key, L3Groups(numa))),
                    ]
                )),
        ];

    private static ImmutableArray<L3Group> L3Groups(IEnumerable<CpuStatus> cpus) =>
        [
            .. cpus.GroupBy(cpu => cpu.L3)
                .OrderBy(l3 => l3.Key)
                .Select(l3 => new L3Group(
                    l3.Key,
                    [
                        .. l3.GroupBy(cpu => cpu.Core)
                            .Select(core => new CoreGroup(
                                core.Key,
                                core.First().Kind,
                                [.. core.Select(cpu => cpu.Id)]
                            )),
                    ]
                )),
        ];
}

/// <summary>A socket.</summary>
internal sealed record SocketGroup(int Id, ImmutableArray<NumaGroup> NumaNodes);

/// <summary>A NUMA node, as far as it lies in one socket.</summary>
/// <param name="L3Groups">Its L3 caches; one that spans NUMA nodes is in each of them.</param>
internal sealed record NumaGroup(int Id, ImmutableArray<L3Group> L3Groups);

/// <summary>The cores that share an L3 cache.</summary>
/// <param name="Id">Its number; null if L3 caches aren't known.</param>
internal sealed record L3Group(int? Id, ImmutableArray<CoreGroup> Cores);

/// <summary>A core.</summary>
/// <param name="Id">Its number, unique within the socket.</param>
/// <param name="Kind">Its kind on machines that mix them; null on others.</param>
/// <param name="Cpus">Its CPUs, ascending.</param>
internal sealed record CoreGroup(int Id, CoreKind? Kind, ImmutableArray<int> Cpus);
