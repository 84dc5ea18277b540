using PinAgent.Model.Cpu;
using PinAgent.Plan.Placement;

namespace PinAgent.Tests.Plan.Placement.Reference;

/// <summary>Minimal move (<c>current</c>) from the words of the specification alone.</summary>
internal static class ReferenceMinimalMove
{
    /// <summary>The answer, or null when the others can't be placed around the threads that stay.</summary>
    public static string? Place(PlacementRequest request)
    {
        var kept = new HashSet<int>();
        var vcpus = Keep(request, request.Current!.Vcpus, request.Vcpus, kept);
        var supplemental = Keep(
            request,
            request.Current.SupplementalIoThreads,
            request.SupplementalIoThreads,
            kept
        );
        var emulator = KeepEmulator(request, kept);

        var pool = new ReferencePool(request, kept);
        for (var i = 0; i < vcpus.Length; i++)
        {
            vcpus[i] ??= request.NumaPassthrough
                ? TakeInGuestCoresNode(request, pool, vcpus, i)
                : pool.TakeOne();
        }

        for (var i = 0; i < supplemental.Length; i++)
        {
            supplemental[i] ??= pool.TakeOne();
        }

        while (emulator.Count < ReferencePlacement.EmulatorCpus(request))
        {
            emulator.Add(pool.TakeOne());
        }

        return vcpus.Concat(supplemental).Concat(emulator).Contains(null)
            ? null
            : AnswerText.Placed(
                request,
                [.. vcpus.Select(cpu => cpu!.Value)],
                [.. supplemental.Select(cpu => cpu!.Value)],
                [.. emulator.Select(cpu => cpu!.Value)]
            );
    }

    /// <summary>The CPUs that threads keep, null for a thread that moves.</summary>
    public static int?[] Keep(
        PlacementRequest request,
        IReadOnlyList<CpuSet?> masks,
        int count,
        HashSet<int> kept
    )
    {
        var cpus = new int?[count];
        for (var i = 0; i < Math.Min(count, masks.Count); i++)
        {
            if (
                masks[i] is { Count: 1 } mask
                && request.Cpuset.Contains(mask.First)
                && !request.EmulatorCpuset.Contains(mask.First)
                && kept.Add(mask.First)
            )
            {
                cpus[i] = mask.First;
            }
        }

        return cpus;
    }

    private static List<int?> KeepEmulator(PlacementRequest request, HashSet<int> kept)
    {
        if (!request.EmulatorCpuset.IsEmpty)
        {
            return [.. request.EmulatorCpuset.Select(cpu => (int?)cpu)];
        }

        var mask = request.Current!.Emulator;
        if (
            mask is null
            || mask.Count != ReferencePlacement.EmulatorCpus(request)
            || !mask.IsSubsetOf(request.Cpuset)
            || mask.Any(kept.Contains)
        )
        {
            return [];
        }

        kept.UnionWith(mask);
        return [.. mask.Select(cpu => (int?)cpu)];
    }

    // A guest core stays in the node of its members that have a CPU; without any, in the first node that has room.
    private static int? TakeInGuestCoresNode(
        PlacementRequest request,
        ReferencePool pool,
        int?[] vcpus,
        int vcpu
    )
    {
        var core = vcpu / request.ThreadsPerCore;
        var members = vcpus
            .Skip(core * request.ThreadsPerCore)
            .Take(request.ThreadsPerCore)
            .ToList();
        var missing = members.Count(cpu => cpu is null);
        var nodes = members
            .Where(cpu => cpu is not null)
            .Select(cpu => request.Topology[cpu!.Value].Numa)
            .Distinct()
            .ToList();
        return pool
            .Cells.Where(cell => nodes.Count == 0 || nodes.Contains(cell.Key))
            .Select(cell => cell.Value)
            .FirstOrDefault(cell => cell.Count >= missing)
            ?.TakeOne(request.ThreadsPerCore);
    }
}
