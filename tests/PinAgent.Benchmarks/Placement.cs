using System.Diagnostics;
using PinAgent.Benchmarks.Harness;
using PinAgent.Model.Cpu;
using PinAgent.Plan.Placement;

namespace PinAgent.Benchmarks;

/// <summary>Placing a VM of 512 vCPUs on a machine of 1,024 CPUs: two sockets, eight NUMA nodes, two threads a core.</summary>
internal static class Placement
{
    private const int Cpus = 1024;
    private const int Vcpus = 512;

    public static IEnumerable<Figure> Run(Bench bench)
    {
        var topology = new NodeTopology(
            Enumerable
                .Range(0, Cpus)
                .Select(id => new LogicalCpu(
                    id,
                    Socket: id % (Cpus / 2) / (Cpus / 4),
                    Numa: id % (Cpus / 2) / (Cpus / 16),
                    Core: id % (Cpus / 2)
                ))
        );
        var request = new PlacementRequest
        {
            Topology = topology,
            Cpuset = topology.Online,
            Vcpus = Vcpus,
            ThreadsPerCore = 2,
            IsolateEmulatorThread = true,
        };
        var took = new List<double>();
        for (var i = 0; i < (bench.IsQuick ? 10 : 1000); i++)
        {
            var began = Stopwatch.GetTimestamp();
            if (Placer.Place(request, Placer.Default) is not CpuPlacement)
            {
                throw new InvalidOperationException("the VM wasn't placed");
            }

            took.Add(Stopwatch.GetElapsedTime(began).TotalMilliseconds);
        }

        yield return new(
            $"Placement of {Vcpus} vCPUs on {Cpus} CPUs",
            "≤ 1 ms",
            $"p50 {Statistics.Short(took.Median())}, p99 {Statistics.Short(took.Quantile(0.99))} ms"
        );
    }
}
