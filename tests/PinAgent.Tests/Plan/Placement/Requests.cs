using CsCheck;
using PinAgent.Model.Cpu;
using PinAgent.Plan.Placement;

namespace PinAgent.Tests.Plan.Placement;

/// <summary>Random machines, cpusets and guests: small enough to collide often, odd enough to be instructive.</summary>
internal static class Requests
{
    private const int MaxCpus = 24;

    /// <summary>
    /// Up to eight cores of one to three siblings in up to two sockets and four NUMA nodes with gaps in their numbers;
    /// CPU ids in any order and with gaps.
    /// </summary>
    public static readonly Gen<NodeTopology> Topologies = Gen.Select(
        Gen.Select(Gen.Int[0, 1], Gen.Int[0, 1], Gen.Int[1, 3]).Array[1, 8],
        Gen.OneOf(
            Gen.Const(Enumerable.Range(0, MaxCpus).ToArray()),
            Gen.Shuffle(Enumerable.Range(0, MaxCpus + 6).ToArray())
        ),
        (cores, ids) =>
        {
            var cpus = new List<LogicalCpu>();
            for (var core = 0; core < cores.Length; core++)
            {
                var (socket, node, threads) = cores[core];
                for (var i = 0; i < threads; i++)
                {
                    cpus.Add(new LogicalCpu(ids[cpus.Count], socket, (socket * 3) + node, core));
                }
            }

            return new NodeTopology(cpus);
        }
    );

    /// <summary>Requests without <c>current</c>; most fit, some don't.</summary>
    public static readonly Gen<PlacementRequest> FromScratch =
        from topology in Topologies
        from cpuset in CpusOf(topology.Online)
        from threads in Gen.Int[1, 4]
        from cores in Gen.Int[1, Math.Max(1, (cpuset.Count / threads) + 1)]
        from isolate in Gen.Bool
        from evenParity in Gen.Bool
        from passthrough in Gen.Bool
        from ioThreads in Gen.Int[0, 9]
        from supplemental in Gen.Int[0, 2]
        from housekeeping in Gen.Frequency(
            (4, Gen.Const(CpuSet.Empty)),
            (1, SomeOf(cpuset, atMost: 2))
        )
        select new PlacementRequest
        {
            Topology = topology,
            Cpuset = cpuset,
            Vcpus = cores * threads,
            ThreadsPerCore = threads,
            IsolateEmulatorThread = isolate,
            EmulatorThreadCompleteToEvenParity = evenParity,
            NumaPassthrough = passthrough,
            IoThreads = supplemental > 0 ? 0 : ioThreads,
            SupplementalIoThreads = supplemental,
            EmulatorCpuset = housekeeping,
        };

    /// <summary>Requests with <c>current</c>: any masks at all.</summary>
    public static readonly Gen<PlacementRequest> WithAnyCurrent =
        from request in FromScratch
        from current in AnyCurrent(request)
        select request with
        {
            Current = current,
        };

    /// <summary>Requests whose <c>current</c> is a placement for another cpuset: what a kubelet's restart leaves.</summary>
    public static readonly Gen<PlacementRequest> AfterCpusetChange =
        from request in FromScratch
        from cpuset in CpusOf(request.Topology.Online)
        select Placer.Place(request, Placer.Default) is CpuPlacement placement
            ? request with
            {
                Cpuset = cpuset,
                EmulatorCpuset = request.EmulatorCpuset.Intersect(cpuset),
                Current = CurrentOf(placement),
            }
            : request;

    /// <summary>Every kind.</summary>
    public static readonly Gen<PlacementRequest> Any = Gen.OneOf(
        FromScratch,
        WithAnyCurrent,
        AfterCpusetChange
    );

    /// <summary>The answer fed back.</summary>
    public static CurrentPlacement CurrentOf(CpuPlacement placement) =>
        new(
            [.. placement.Vcpus.Select(cpu => CpuSet.Of(cpu))],
            [.. placement.SupplementalIoThreads.Select(cpu => CpuSet.Of(cpu))],
            placement.Emulator
        );

    /// <summary>A request as people read it, for the message of a failed property.</summary>
    public static string Print(PlacementRequest request) =>
        string.Join(
            "; ",
            string.Join(
                ' ',
                request
                    .Topology.Cpus.GroupBy(cpu => (cpu.Numa, cpu.Socket, cpu.Core))
                    .OrderBy(core => core.Key)
                    .Select(core =>
                        $"numa{core.Key.Numa}:({string.Join(',', core.Select(cpu => cpu.Id))})"
                    )
            ),
            $"cpuset {request.Cpuset}",
            $"{request.Vcpus} vCPUs, {request.ThreadsPerCore} per core",
            $"isolate {request.IsolateEmulatorThread}, even {request.EmulatorThreadCompleteToEvenParity}",
            $"passthrough {request.NumaPassthrough}",
            $"io {request.IoThreads}, supplemental {request.SupplementalIoThreads}",
            $"housekeeping {request.EmulatorCpuset}",
            request.Current is not { } current
                ? "no current"
                : $"current {Print(current.Vcpus)} + {Print(current.SupplementalIoThreads)} + {current.Emulator}"
        );

    /// <summary>Some CPUs of a set, usually most of them.</summary>
    private static Gen<CpuSet> CpusOf(CpuSet cpus) =>
        Gen.Int[0, 3]
            .Array[cpus.Count]
            .Select(dice => CpuSet.Of(cpus.Where((_, i) => dice[i] > 0)));

    private static Gen<CpuSet> SomeOf(CpuSet cpus, int atMost) =>
        Gen.Int[0, Math.Max(0, cpus.Count - 1)]
            .Array[1, atMost]
            .Select(places => CpuSet.Of(cpus.Where((_, i) => places.Contains(i))));

    private static Gen<CurrentPlacement> AnyCurrent(PlacementRequest request) =>
        from vcpus in Mask(request).Array[0, request.Vcpus + 1]
        from supplemental in Mask(request).Array[0, request.SupplementalIoThreads + 1]
        from emulator in Mask(request)
        select new CurrentPlacement([.. vcpus], [.. supplemental], emulator);

    private static Gen<CpuSet?> Mask(PlacementRequest request) =>
        Gen.Frequency(
            (1, Gen.Const(CpuSet.Empty).Select(_ => (CpuSet?)null)),
            (4, SomeOf(request.Topology.Online, 1).Select(cpus => (CpuSet?)cpus)),
            (1, SomeOf(request.Topology.Online, 2).Select(cpus => (CpuSet?)cpus)),
            (1, Gen.Int[0, MaxCpus + 8].Select(cpu => (CpuSet?)CpuSet.Of(cpu)))
        );

    private static string Print(IEnumerable<CpuSet?> masks) =>
        "[" + string.Join(' ', masks.Select(mask => mask is null ? "null" : $"\"{mask}\"")) + "]";
}
