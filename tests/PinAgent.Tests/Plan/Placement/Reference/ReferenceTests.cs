using System.Collections.Concurrent;
using CsCheck;
using PinAgent.Plan.Placement;
using PinAgent.Tests.Apply;
using Xunit;

namespace PinAgent.Tests.Plan.Placement.Reference;

/// <summary>The product against a second implementation written from the specification.</summary>
public sealed class ReferenceTests
{
    private const int Cases = 10_000;

    [Fact]
    public void A_new_VM_gets_the_CPUs_the_specification_says() =>
        Requests.FromScratch.Sample(Compare, iter: Cases, print: Requests.Print);

    [Fact]
    public void A_VM_whose_threads_are_anywhere_gets_the_CPUs_the_specification_says() =>
        Requests.WithAnyCurrent.Where(IsClear).Sample(Compare, iter: Cases, print: Requests.Print);

    [Fact]
    public void A_VM_whose_cpuset_changed_gets_the_CPUs_the_specification_says() =>
        Requests.AfterCpusetChange.Sample(Compare, iter: Cases, print: Requests.Print);

    [Fact]
    public void The_random_requests_meet_every_answer_a_policy_can_give()
    {
        var met = new ConcurrentDictionary<string, bool>();
        Requests.Any.Sample(
            request =>
            {
                var answer = Placer.Place(request, Placer.Default);
                met[answer is Refusal refusal ? refusal.Reason.ToString() : "placed"] = true;
            },
            iter: Cases
        );

        // UnknownCpu and InvalidInput never get as far as a policy.
        Assert.Equal(
            ["CrossesNumaNodes", "NoCpuForEmulator", "NoCpuForIoThread", "NotEnoughCpus", "placed"],
            met.Keys.Order(StringComparer.Ordinal)
        );
    }

    private static void Compare(PlacementRequest request) =>
        Assert.Equal(
            ReferencePlacement.Answer(request),
            AnswerText.Of(Placer.Place(request, Placer.Default))
        );

    // The specification doesn't say what becomes of a guest core that somebody else has split over two NUMA nodes
    // already; what the product does then is pinned down in MinimalMoveTests.
    internal static bool IsClear(PlacementRequest request)
    {
        if (!request.NumaPassthrough || request.Current is not { } current)
        {
            return true;
        }

        var kept = ReferenceMinimalMove.Keep(request, current.Vcpus, request.Vcpus, []);
        return kept.Chunk(request.ThreadsPerCore)
            .All(core =>
                core.OfType<int>().Select(cpu => request.Topology[cpu].Numa).Distinct().Count() <= 1
            );
    }
}
