using CsCheck;
using PinAgent.Model.Cpu;
using PinAgent.Plan.Placement;
using PinAgent.Tests.Plan.Placement.Reference;
using Xunit;

namespace PinAgent.Tests.Plan.Placement;

/// <summary>What holds for every placement on every machine.</summary>
public sealed class PlacementPropertyTests
{
    private const int Cases = 10_000;

    [Fact]
    public void A_placement_stays_within_the_cpuset_and_gives_no_CPU_twice() =>
        ForEachPlacement(
            Requests.Any,
            (request, placement) =>
            {
                var own = placement.Vcpus.AddRange(placement.SupplementalIoThreads);
                if (placement.EmulatorIsolated)
                {
                    own = own.AddRange(placement.Emulator);
                }

                Assert.Equal(own.Length, own.Distinct().Count());
                Assert.True(CpuSet.Of(own).IsSubsetOf(request.Cpuset));
                Assert.All(placement.IoThreads, cpus => Assert.False(cpus.IsEmpty));
                Assert.All(placement.IoThreads, io => Assert.True(io.IsSubsetOf(request.Cpuset)));
                Assert.Equal(request.Cpuset.Except(CpuSet.Of(own)), placement.Unused);
            }
        );

    [Fact]
    public void Every_thread_that_exists_has_a_place() =>
        ForEachPlacement(
            Requests.Any,
            (request, placement) =>
            {
                Assert.Equal(request.Vcpus, placement.Vcpus.Length);
                Assert.Equal(request.SupplementalIoThreads, placement.SupplementalIoThreads.Length);
                Assert.Equal(request.IoThreads, placement.IoThreads.Length);
                Assert.Equal(
                    placement.EmulatorIsolated ? request.EmulatorCpus : request.Cpuset.Count,
                    placement.Emulator.Count
                );
            }
        );

    [Fact]
    public void A_VM_is_refused_exactly_when_its_cpuset_is_too_small_or_its_guest_cores_fit_no_node() =>
        Requests.Any.Sample(
            request =>
            {
                var free = request.Cpuset.Except(request.EmulatorCpuset);
                var coresThatFit = request.NumaPassthrough
                    ? free.GroupBy(cpu => request.Topology[cpu].Numa)
                        .Sum(node => node.Count() / request.ThreadsPerCore)
                    : int.MaxValue;
                var fits =
                    request.Cpuset.Count >= request.NeededCpus
                    && coresThatFit >= request.Vcpus / request.ThreadsPerCore;

                Assert.Equal(fits, Placer.Place(request, Placer.Default) is CpuPlacement);
            },
            iter: Cases,
            print: Requests.Print
        );

    [Fact]
    public void With_NUMA_passthrough_no_guest_core_is_split_over_nodes() =>
        ForEachPlacement(
            Requests.Any.Where(request => request.NumaPassthrough),
            (request, placement) =>
                Assert.All(
                    placement.Vcpus.Chunk(request.ThreadsPerCore),
                    core => Assert.Single(core.Select(cpu => request.Topology[cpu].Numa).Distinct())
                )
        );

    [Fact]
    public void The_order_of_the_topologys_list_of_CPUs_does_not_matter() =>
        Gen.Select(Requests.Any, Gen.Int)
            .Sample(
                (request, seed) =>
                {
                    var cpus = request.Topology.Cpus.ToArray();
                    new Random(seed).Shuffle(cpus);
                    var shuffled = request with { Topology = new NodeTopology(cpus) };

                    Assert.Equal(Answer(request), Answer(shuffled));
                },
                iter: Cases
            );

    [Fact]
    public void A_placement_fed_back_as_the_current_one_changes_nothing() =>
        ForEachPlacement(
            Requests.Any,
            (request, placement) =>
                Assert.Equal(
                    AnswerText.Of(placement),
                    Answer(request with { Current = Requests.CurrentOf(placement) })
                )
        );

    [Fact]
    public void A_cpuset_that_grows_moves_no_vCPU() =>
        ForEachPlacement(
            Requests.FromScratch,
            (request, placement) =>
            {
                var grown = request with
                {
                    Cpuset = request.Topology.Online,
                    Current = Requests.CurrentOf(placement),
                };

                var after = Assert.IsType<CpuPlacement>(Placer.Place(grown, Placer.Default));
                Assert.Equal(placement.Vcpus, after.Vcpus);
                Assert.Equal(placement.SupplementalIoThreads, after.SupplementalIoThreads);
                if (placement.EmulatorIsolated)
                {
                    Assert.Equal(placement.Emulator, after.Emulator);
                }
            }
        );

    [Fact]
    public void The_number_of_a_CPU_means_nothing_but_its_order() =>
        ForEachPlacement(
            Requests.FromScratch,
            (request, placement) =>
            {
                // The same machine with every id doubled: the same placement with every id doubled.
                CpuSet Doubled(CpuSet cpus) => CpuSet.Of(cpus.Select(cpu => cpu * 2));
                var twin = request with
                {
                    Topology = new NodeTopology(
                        request.Topology.Cpus.Select(cpu => cpu with { Id = cpu.Id * 2 })
                    ),
                    Cpuset = Doubled(request.Cpuset),
                    EmulatorCpuset = Doubled(request.EmulatorCpuset),
                };

                var other = Assert.IsType<CpuPlacement>(Placer.Place(twin, Placer.Default));
                Assert.Equal(placement.Vcpus.Select(cpu => cpu * 2), other.Vcpus);
                Assert.Equal(Doubled(placement.Emulator), other.Emulator);
            }
        );

    private static string Answer(PlacementRequest request) =>
        AnswerText.Of(Placer.Place(request, Placer.Default));

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
