using System.Collections.Immutable;
using PinAgent.Model.Cpu;
using PinAgent.Model.Vm;
using PinAgent.Plan.Placement;
using Xunit;

namespace PinAgent.Tests.Plan.Placement;

/// <summary>VMs whose vCPUs have cpusets of their own, as libvirt gives them with <c>&lt;vcpupin&gt;</c>.</summary>
public sealed class ConfinedPlacementTests
{
    private static readonly NodeTopology Machine = Nodes.Parse(Nodes.A);

    [Theory]
    // Whoever takes the first it may leaves none for the second.
    [InlineData("0-1 0", 1, "1 0")]
    [InlineData("0-2 0-1 0", 1, "2 1 0")]
    // Guest cores on cores, where the sets allow it.
    [InlineData("0-7 0-7 0-7 0-7", 2, "0 4 1 5")]
    [InlineData("1-3 4-7 0-7 0-7", 2, "1 5 0 4")]
    [InlineData("0-1 6-7 0-3 5", 2, "0 6 1 5")]
    public void Each_gets_a_CPU_of_its_own_set(string sets, int threads, string expected) =>
        Assert.Equal(expected, Vcpus(Place(sets, threads)));

    [Fact]
    public void Where_that_cannot_be_the_one_that_finds_none_is_named()
    {
        var refusal = Assert.IsType<Refusal>(Place("0-1 1,0 0-1 2", 1));

        Assert.Equal(Reason.NotEnoughCpus, refusal.Reason);
        Assert.Contains("vCPU 2 finds no CPU of its own", refusal.Message);
    }

    [Fact]
    public void Those_that_are_well_placed_stay()
    {
        var request = Request("0-7 0-7 0-3", 1) with
        {
            Current = new([CpuSet.Of(5), CpuSet.Of(2), CpuSet.Of(5)], [], null),
        };

        Assert.Equal("5 2 0", Vcpus(Placer.Place(request, Placer.Default)));
    }

    [Fact]
    public void The_emulators_CPUs_are_nobody_elses()
    {
        var request = Request("0-1 0-1", 1) with
        {
            Cpuset = CpuSet.Parse("0-3"),
            EmulatorCpuset = CpuSet.Parse("0"),
        };

        Assert.IsType<Refusal>(Placer.Place(request, Placer.Default));
    }

    // Against a search that tries everything: it finds one wherever there is one, and never a CPU that a set hasn't.
    [Fact]
    public void It_finds_a_placement_wherever_there_is_one()
    {
        var random = new Random(16);
        var (found, none) = (0, 0);
        for (var i = 0; i < 3000; i++)
        {
            var sets = Enumerable
                .Range(0, random.Next(2, 8))
                .Select(_ => CpuSet.Of(Enumerable.Range(0, 8).Where(_ => random.Next(3) == 0)))
                .Select(set => set.IsEmpty ? CpuSet.Of(random.Next(8)) : set)
                .ToImmutableArray();
            var request = Request(sets, random.Next(1, 3));

            var result = Placer.Place(request, Placer.Default);

            if (result is CpuPlacement placement)
            {
                found++;
                Assert.Equal(sets.Length, placement.Vcpus.Distinct().Count());
                Assert.All(placement.Vcpus.Zip(sets), at => Assert.Contains(at.First, at.Second));
            }
            else
            {
                none++;
                Assert.False(Exists(sets, 0, CpuSet.Empty), string.Join(' ', sets));
            }
        }

        Assert.True(found > 500 && none > 200, $"{found} found, {none} not");
    }

    // Each vCPU may go where the one before it may, and on one CPU more: nearly every move that is tried is in vain.
    [Fact]
    public void Sets_that_are_the_worst_for_it_still_give_each_vCPU_a_CPU()
    {
        var machine = new NodeTopology(
            Enumerable.Range(0, 256).Select(id => new LogicalCpu(id, 0, 0, id / 2))
        );
        ImmutableArray<CpuSet> sets =
        [
            .. Enumerable.Range(1, 256).Select(most => CpuSet.Of(Enumerable.Range(0, most))),
        ];

        var placed = Placer.Place(
            new()
            {
                Topology = machine,
                Cpuset = machine.Online,
                Vcpus = sets.Length,
                ThreadsPerCore = 2,
                VcpuCpusets = sets,
            },
            Placer.Default
        );

        Assert.Equal(Enumerable.Range(0, 256), Assert.IsType<CpuPlacement>(placed).Vcpus);
    }

    private static bool Exists(ImmutableArray<CpuSet> sets, int at, CpuSet used) =>
        at == sets.Length
        || sets[at].Except(used).Any(cpu => Exists(sets, at + 1, used.Union(CpuSet.Of(cpu))));

    private static PlacementResult Place(string sets, int threads) =>
        Placer.Place(Request(sets, threads), Placer.Default);

    private static PlacementRequest Request(string sets, int threads) =>
        Request([.. sets.Split(' ').Select(CpuSet.Parse)], threads);

    private static PlacementRequest Request(ImmutableArray<CpuSet> sets, int threads) =>
        new()
        {
            Topology = Machine,
            Cpuset = Machine.Online,
            Vcpus = sets.Length,
            ThreadsPerCore = threads,
            VcpuCpusets = sets,
        };

    private static string Vcpus(PlacementResult result) =>
        string.Join(' ', Assert.IsType<CpuPlacement>(result).Vcpus);
}
