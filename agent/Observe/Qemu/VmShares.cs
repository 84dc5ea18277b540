using PinAgent.Observe.Files;

namespace PinAgent.Observe.Qemu;

/// <summary>A process that may be a VM.</summary>
/// <param name="Threads">How many threads it has.</param>
/// <param name="IsKnown">Whether it was among the VMs at the look before.</param>
internal sealed record VmCandidate(
    int Pid,
    ulong StartTime,
    long Threads,
    bool IsKnown,
    string Group
);

/// <summary>
/// Which processes are looked at as VMs, and how many threads of each are kept, where there are more than the agent keeps. Any
/// process can look like a QEMU: whoever starts many pushes out their own first, for a VM has a container to itself. Pure.
/// </summary>
internal static class VmShares
{
    // For threads that begin between being counted and being read.
    private const int Spare = 64;

    /// <summary>The processes that are looked at, and how many threads may be kept of each.</summary>
    public static Dictionary<int, int> Of(IReadOnlyCollection<VmCandidate> candidates)
    {
        // The first of each container, then the second of each.
        var rounds = candidates
            .GroupBy(candidate => candidate.Group)
            .SelectMany(group =>
                group
                    .OrderBy(candidate => !candidate.IsKnown)
                    .ThenBy(candidate => candidate.StartTime)
                    .Select((candidate, round) => (candidate, round))
            )
            .OrderBy(placed => placed.round)
            .ThenBy(placed => !placed.candidate.IsKnown)
            .ThenBy(placed => placed.candidate.StartTime)
            .Take(Bounds.Vms)
            .GroupBy(placed => placed.round, placed => placed.candidate);
        var rooms = new Dictionary<int, int>();
        long left = Bounds.NodeThreads;
        foreach (var round in rounds)
        {
            // The small ones get all they have, and what they don't need is the large ones'.
            var bySize = round.OrderBy(candidate => candidate.Threads).ToList();
            for (var i = 0; i < bySize.Count; i++)
            {
                var share = left / (bySize.Count - i);
                var size = bySize[i].Threads;
                rooms[bySize[i].Pid] = (int)(size <= share ? size + Spare : share);
                left -= Math.Min(size, share);
            }
        }

        return rooms;
    }
}
