using System.Collections.Immutable;
using PinAgent.Model.Cpu;

namespace PinAgent.Plan.Placement;

/// <summary>
/// The CPUs of the I/O threads that have none of their own. Source: KubeVirt,
/// <c>pkg/virt-launcher/virtwrap/converter/vcpu/vcpu.go</c> (<c>FormatDomainIOThreadPin</c>).
/// </summary>
internal static class SharedIoThreads
{
    /// <summary>
    /// Beside an isolated emulator, on its CPUs. Otherwise among the vCPUs: one CPU each in turn when there are
    /// at least as many threads as vCPUs, else each a run of neighbouring CPUs.
    /// </summary>
    public static ImmutableArray<CpuSet> Place(PlacementRequest request, CpuSet emulatorOwn)
    {
        var threads = request.IoThreads;
        if (!emulatorOwn.IsEmpty)
        {
            return [.. Enumerable.Repeat(emulatorOwn, threads)];
        }

        var cpus = request.Cpuset.Take(request.Vcpus).ToArray();
        if (threads >= request.Vcpus)
        {
            // Thread i counts from 1, as QEMU's iothread1 does.
            return
            [
                .. Enumerable.Range(1, threads).Select(i => CpuSet.Of(cpus[i % request.Vcpus])),
            ];
        }

        var runs = ImmutableArray.CreateBuilder<CpuSet>(threads);
        var next = 0;
        for (var i = 0; i < threads; i++)
        {
            var length = (request.Vcpus / threads) + (i < request.Vcpus % threads ? 1 : 0);
            runs.Add(CpuSet.Of(cpus.AsSpan(next, length)));
            next += length;
        }

        return runs.MoveToImmutable();
    }
}
