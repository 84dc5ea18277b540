using PinAgent.Model.Cpu;

namespace PinAgent.Plan.Placement;

/// <summary>
/// Policy <c>kubevirt</c>: the same CPUs as KubeVirt's virt-launcher would choose, wherever its choice pins every
/// vCPU, so that the two never fight over a thread.
/// </summary>
/// <remarks>
/// Order of taking: the guest's cores, one CPU per supplemental I/O thread, the emulator's one or two CPUs.
/// Source: KubeVirt, <c>pkg/virt-launcher/virtwrap/converter/vcpu/vcpu.go</c> (<c>AdjustDomainForTopologyAndCPUSet</c>).
/// </remarks>
internal sealed class KubeVirtPolicy : IPlacementPolicy
{
    /// <inheritdoc/>
    public string Name => "kubevirt";

    /// <inheritdoc/>
    public PlacementResult Place(PlacementRequest request)
    {
        if (
            request.Current is { } current
            && MinimalMove.Place(request, current) is CpuPlacement moved
        )
        {
            return moved;
        }

        return FromScratch(request);
    }

    private static PlacementResult FromScratch(PlacementRequest request)
    {
        var pool = new CpuPool(
            request.Topology,
            request.Cpuset.Except(request.EmulatorCpuset),
            request.ThreadsPerCore
        );
        var vcpus = new List<int>(request.Vcpus);
        var wholeCores = request.Vcpus / request.ThreadsPerCore;
        var rest = request.Vcpus % request.ThreadsPerCore;
        if (pool.Count < request.Vcpus)
        {
            return Refusals.NotEnoughCpus(request);
        }

        if (!pool.TryTakeCores(wholeCores, mayCrossNodes: !request.NumaPassthrough, vcpus))
        {
            return Refusals.CrossesNumaNodes(request);
        }

        // A guest core that hotplug has left incomplete.
        var node = request.NumaPassthrough ? pool.NodeWith(rest) : null;
        for (var i = 0; i < rest; i++)
        {
            if ((node is { } only ? pool.TakeOneOf(only) : pool.TakeOne()) is not { } cpu)
            {
                return Refusals.CrossesNumaNodes(request);
            }

            vcpus.Add(cpu);
        }

        var supplemental = new List<int>();
        while (supplemental.Count < request.SupplementalIoThreads)
        {
            if (pool.TakeOne() is not { } cpu)
            {
                return Refusals.NoCpuForIoThread(request, supplemental.Count + 1);
            }

            supplemental.Add(cpu);
        }

        var emulator = request.EmulatorCpuset;
        while (emulator.Count < request.EmulatorCpus)
        {
            if (pool.TakeOne() is not { } cpu)
            {
                return Refusals.NoCpuForEmulator(request, emulator.Count + 1);
            }

            emulator = emulator.Union(CpuSet.Of(cpu));
        }

        return CpuPlacement.Complete(request, [.. vcpus], [.. supplemental], emulator);
    }
}
