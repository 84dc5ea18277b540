using CsCheck;
using PinAgent.Model.Cpu;
using PinAgent.Plan.Placement;
using PinAgent.Tests.Apply;
using PinAgent.Tests.Plan.Placement.Reference;
using Xunit;

namespace PinAgent.Tests.Plan.Placement;

/// <summary>That no more threads move than must, against every assignment there is, on machines small enough.</summary>
public sealed class FewestMovesTests
{
    private const int Cases = 1_500;
    private const int Impossible = int.MaxValue;

    private static readonly Gen<PlacementRequest> Small = Gen.OneOf(
            Requests.WithAnyCurrent,
            Requests.AfterCpusetChange.Where(request => request.Current is not null)
        )
        .Where(request =>
            request.Cpuset.Count <= 7 && request.Vcpus + request.SupplementalIoThreads <= 5
        );

    [Fact]
    public void Without_NUMA_passthrough_no_thread_moves_that_could_have_stayed() =>
        ForEachPlacement(
            Small.Where(request => !request.NumaPassthrough),
            (request, placement) => Assert.Equal(FewestMoves(request), Moves(request, placement))
        );

    /// <summary>
    /// The one exception the specification allows: guest cores are completed one after the other, and when one finds no
    /// room in its node the VM is placed from scratch, though choosing other nodes for those before it, or moving one of
    /// its other vCPUs too, might have moved fewer.
    /// </summary>
    [Fact]
    public void With_NUMA_passthrough_no_thread_moves_that_could_have_stayed_unless_the_VM_is_placed_from_scratch()
    {
        var (exact, fromScratch) = (0, 0);
        ForEachPlacement(
            Small.Where(request => request.NumaPassthrough),
            (request, placement) =>
            {
                if (FewestMoves(request) == Moves(request, placement))
                {
                    Interlocked.Increment(ref exact);
                    return;
                }

                Interlocked.Increment(ref fromScratch);
                Assert.Equal(
                    AnswerText.Of(Placer.Place(request with { Current = null }, Placer.Default)),
                    AnswerText.Of(placement)
                );
                Assert.True(IsInTheWay(request), "the threads that stay weren't in the way");
            }
        );
        Assert.True(exact > 10 * fromScratch, $"{exact} exact, {fromScratch} from scratch");
    }

    // A guest core is split over nodes by those that stay, or the reference can't place the others around them.
    private static bool IsInTheWay(PlacementRequest request)
    {
        var kept = ReferenceMinimalMove.Keep(request, request.Current!.Vcpus, request.Vcpus, []);
        return !StaysInNodes(request, kept) || ReferenceMinimalMove.Place(request) is null;
    }

    private static int Moves(PlacementRequest request, CpuPlacement placement) =>
        placement
            .Vcpus.Zip(Masks(request.Current!.Vcpus, request.Vcpus))
            .Concat(
                placement.SupplementalIoThreads.Zip(
                    Masks(request.Current!.SupplementalIoThreads, request.SupplementalIoThreads)
                )
            )
            .Count(pair => !CpuSet.Of(pair.First).Equals(pair.Second));

    // Tries every assignment of the vCPUs and the supplemental I/O threads.
    private static int FewestMoves(PlacementRequest request)
    {
        var free = request.Cpuset.Except(request.EmulatorCpuset).ToArray();
        CpuSet?[] masks =
        [
            .. Masks(request.Current!.Vcpus, request.Vcpus),
            .. Masks(request.Current!.SupplementalIoThreads, request.SupplementalIoThreads),
        ];
        var chosen = new int?[masks.Length];
        return Fewest(0, 0);

        int Fewest(int thread, int moves)
        {
            if (thread == masks.Length)
            {
                return moves;
            }

            var fewest = Impossible;
            foreach (var cpu in free.Where(cpu => !chosen.Contains(cpu)))
            {
                chosen[thread] = cpu;
                if (!request.NumaPassthrough || StaysInNodes(request, chosen[..request.Vcpus]))
                {
                    var move = CpuSet.Of(cpu).Equals(masks[thread]) ? 0 : 1;
                    fewest = Math.Min(fewest, Fewest(thread + 1, moves + move));
                }
            }

            chosen[thread] = null;
            return fewest;
        }
    }

    private static bool StaysInNodes(PlacementRequest request, int?[] vcpus) =>
        vcpus
            .Chunk(request.ThreadsPerCore)
            .All(core =>
                core.OfType<int>().Select(cpu => request.Topology[cpu].Numa).Distinct().Count() <= 1
            );

    private static IEnumerable<CpuSet?> Masks(IReadOnlyList<CpuSet?> masks, int count) =>
        Enumerable.Range(0, count).Select(i => i < masks.Count ? masks[i] : null);

    private static void ForEachPlacement(
        Gen<PlacementRequest> requests,
        Action<PlacementRequest, CpuPlacement> check
    ) =>
        requests.Sample(
            request =>
            {
                if (Placer.Place(request, Placer.Default) is CpuPlacement placement)
                {
                    check(request, placement);
                }
            },
            iter: Cases,
            print: Requests.Print
        );
}
