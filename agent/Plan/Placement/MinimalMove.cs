using System.Collections.Immutable;
using PinAgent.Model.Cpu;

namespace PinAgent.Plan.Placement;

/// <summary>
/// Places a VM whose threads already run somewhere, moving as few as possible: threads that are validly on a CPU
/// of their own stay, the others get one CPU each from what's left.
/// </summary>
internal static class MinimalMove
{
    /// <summary>Places a VM.</summary>
    /// <returns>A refusal may only mean that the kept CPUs are in the way: try from scratch.</returns>
    public static PlacementResult Place(PlacementRequest request, CurrentPlacement current)
    {
        var available = request.Cpuset.Except(request.EmulatorCpuset);
        var (vcpus, supplemental, emulator) = Kept(request, current);
        var kept = CpuSet.Of(vcpus.Concat(supplemental).OfType<int>()).Union(emulator);
        var pool = new CpuPool(request.Topology, available.Except(kept), request.ThreadsPerCore);
        if (request.NumaPassthrough ? !FillWithinNodes(request, vcpus, pool) : !Fill(vcpus, pool))
        {
            return request.NumaPassthrough && request.Cpuset.Count >= request.Vcpus
                ? Refusals.CrossesNumaNodes(request)
                : Refusals.NotEnoughCpus(request);
        }

        if (!Fill(supplemental, pool))
        {
            return Refusals.NoCpuForIoThread(
                request,
                Array.FindIndex(supplemental, cpu => cpu is null) + 1
            );
        }

        while (emulator.Count < request.EmulatorCpus)
        {
            if (pool.TakeOne() is not { } cpu)
            {
                return Refusals.NoCpuForEmulator(request, emulator.Count + 1);
            }

            emulator = emulator.Union(CpuSet.Of(cpu));
        }

        return CpuPlacement.Complete(
            request,
            [.. vcpus.Select(cpu => cpu!.Value)],
            [.. supplemental.Select(cpu => cpu!.Value)],
            emulator
        );
    }

    /// <summary>
    /// What may stay: vCPUs that are alone on one CPU, lower numbers first, then supplemental I/O threads likewise, then
    /// an isolated emulator with as many CPUs as it should have.
    /// </summary>
    public static (int?[] Vcpus, int?[] Supplemental, CpuSet Emulator) Kept(
        PlacementRequest request,
        CurrentPlacement current
    )
    {
        var available = request.Cpuset.Except(request.EmulatorCpuset);
        var kept = new HashSet<int>();
        var vcpus = Keep(request.Vcpus, current.Vcpus, available, kept, request.VcpuCpusets);
        var supplemental = Keep(
            request.SupplementalIoThreads,
            current.SupplementalIoThreads,
            available,
            kept,
            []
        );
        var emulatorStays =
            request.EmulatorCpuset.IsEmpty
            && current.Emulator is { } emulator
            && emulator.Count == request.EmulatorCpus
            && emulator.IsSubsetOf(available)
            && !emulator.Any(kept.Contains);
        return (vcpus, supplemental, emulatorStays ? current.Emulator! : request.EmulatorCpuset);
    }

    private static int?[] Keep(
        int count,
        IReadOnlyList<CpuSet?> masks,
        CpuSet available,
        HashSet<int> kept,
        ImmutableArray<CpuSet> own
    )
    {
        var cpus = new int?[count];
        for (var i = 0; i < Math.Min(count, masks.Count); i++)
        {
            if (
                masks[i] is { Count: 1 } mask
                && available.Contains(mask.First)
                && (own.IsEmpty || own[i].Contains(mask.First))
                && kept.Add(mask.First)
            )
            {
                cpus[i] = mask.First;
            }
        }

        return cpus;
    }

    private static bool Fill(int?[] cpus, CpuPool pool)
    {
        for (var i = 0; i < cpus.Length; i++)
        {
            cpus[i] ??= pool.TakeOne();
            if (cpus[i] is null)
            {
                return false;
            }
        }

        return true;
    }

    // A guest core's missing CPUs come from the NUMA node that its others are on.
    private static bool FillWithinNodes(PlacementRequest request, int?[] vcpus, CpuPool pool)
    {
        for (var start = 0; start < vcpus.Length; start += request.ThreadsPerCore)
        {
            var core = vcpus.AsSpan(start, Math.Min(request.ThreadsPerCore, vcpus.Length - start));
            var nodes = new HashSet<int>();
            var missing = 0;
            foreach (var cpu in core)
            {
                if (cpu is { } kept)
                {
                    nodes.Add(request.Topology[kept].Numa);
                }
                else
                {
                    missing++;
                }
            }

            if (nodes.Count > 1)
            {
                return false;
            }

            var node = nodes.Count == 1 ? nodes.First() : pool.NodeWith(missing);
            foreach (ref var cpu in core)
            {
                cpu ??= node is { } only ? pool.TakeOneOf(only) : null;
                if (cpu is null)
                {
                    return false;
                }
            }
        }

        return true;
    }
}
