using System.Collections.Immutable;
using PinAgent.Model.Cpu;
using PinAgent.Model.Vm;
using PinAgent.Plan.Placement;
using Xunit;
using static PinAgent.Tests.Plan.Placement.PlacementTests;

namespace PinAgent.Tests.Plan.Placement;

/// <summary>A VM whose threads already run somewhere: what stays, and where the rest goes. Computed by hand.</summary>
public sealed class MinimalMoveTests
{
    [Theory]
    [InlineData("0-7", "7 2 5 0", "7 2 5 0", "a valid placement stays, whatever the policy likes")]
    [InlineData("0-3", "7 2 5 0", "1 2 3 0", "only those that lost their CPU move")]
    [InlineData("0-7", "2 2 2 2", "2 6 0 4", "the lowest number keeps a CPU that several are on")]
    [InlineData("0-7", "0-1 4 0-7 -", "0 4 1 5", "on several CPUs or none is nowhere")]
    [InlineData("1-7", "0 4 1 5", "2 4 1 5", "a CPU that's no longer ours is no place")]
    [InlineData("0-7", "3", "3 7 0 4", "threads without a mask are placed, fragments first")]
    [InlineData("0-7", "3 7 2 6 1 5", "3 7 2 6", "masks beyond the vCPUs are passed over")]
    [InlineData("0-7", "", "7 0 4 1", "no masks at all is a place for nobody", "7")]
    public void VCPUs_that_are_alone_on_a_CPU_of_the_cpuset_stay(
        string cpuset,
        string current,
        string expected,
        string why,
        string? housekeepingsNeighbour = null
    )
    {
        var request = Request(Nodes.A, cpuset, 4, 2, "") with { Current = Current(current) };
        if (housekeepingsNeighbour is not null)
        {
            // CPU 3 is the emulator's, so that its sibling is a fragment, which is taken first.
            request = request with
            {
                EmulatorCpuset = CpuSet.Parse("3"),
            };
        }

        var vcpus = string.Join(' ', Placed(request).Vcpus);

        Assert.True(expected == vcpus, $"{why}: expected {expected}, found {vcpus}");
    }

    [Fact]
    public void Supplemental_IO_threads_stay_likewise_but_give_way_to_vCPUs()
    {
        var placement = Placed(
            Request(Nodes.A, "0-7", 2, 2, "") with
            {
                SupplementalIoThreads = 3,
                Current = Current("6 2", supplemental: "2 7 7"),
            }
        );

        Assert.Equal([6, 2], placement.Vcpus);
        Assert.Equal([3, 7, 0], placement.SupplementalIoThreads);
    }

    [Theory]
    [InlineData("isolate", "6", "6", "it keeps its CPU")]
    [InlineData("isolate", "1", "2", "a vCPU keeps it, so it gets another")]
    [InlineData("isolate", "6-7", "2", "two CPUs where it should have one are not its own")]
    [InlineData("isolate even", "6-7", "6-7", "it keeps both")]
    [InlineData("isolate even", "6", "2,6", "one where it should have two: placed anew")]
    [InlineData("isolate even", "1,6", "2,6", "not by halves")]
    [InlineData("isolate", "", "2", "nowhere")]
    [InlineData("", "6", "0-7", "not isolated: the whole cpuset")]
    public void An_isolated_emulator_stays_if_it_has_as_many_CPUs_as_it_should_and_alone(
        string flags,
        string current,
        string expected,
        string why
    )
    {
        var placement = Placed(
            Request(Nodes.A, "0-7", 4, 2, flags) with
            {
                Current = Current("0 4 1 5", emulator: current),
            }
        );

        Assert.Equal([0, 4, 1, 5], placement.Vcpus);
        Assert.True(
            expected == placement.Emulator.ToString(),
            $"{why}: expected {expected}, found {placement.Emulator}"
        );
    }

    [Fact]
    public void A_vCPU_on_a_CPU_that_housekeeping_took_moves()
    {
        var placement = Placed(
            Request(Nodes.A, "0-2,4-6", 4, 2, "") with
            {
                Current = Current("0 4 1 5"),
                EmulatorCpuset = CpuSet.Parse("4"),
            }
        );

        Assert.Equal([0, 2, 1, 5], placement.Vcpus);
        Assert.Equal("4", placement.Emulator.ToString());
    }

    [Fact]
    public void With_NUMA_passthrough_a_vCPU_moves_within_the_node_of_its_guest_core()
    {
        // CPU 5 is gone. Without passthrough vCPU 1 would get 0, the first that's free.
        var request = Request(Nodes.B, "0-4,6-7", 2, 2, "passthrough") with
        {
            Current = Current("4 5"),
        };

        Assert.Equal([4, 6], Placed(request).Vcpus);
        Assert.Equal([4, 0], Placed(request with { NumaPassthrough = false }).Vcpus);
    }

    [Fact]
    public void With_NUMA_passthrough_and_no_room_in_the_guest_cores_node_the_VM_is_placed_from_scratch()
    {
        var request = Request(Nodes.B, "0-4", 4, 2, "passthrough") with
        {
            Current = Current("0 1 4 5"),
        };

        Assert.Equal([0, 1, 2, 3], Placed(request).Vcpus);
    }

    [Fact]
    public void With_NUMA_passthrough_a_guest_core_found_split_over_nodes_is_placed_from_scratch()
    {
        // The specification leaves this open: no rule of "current" splits it, but nobody could have meant it.
        var request = Request(Nodes.B, "0-7", 2, 2, "passthrough") with
        {
            Current = Current("2 4"),
        };

        Assert.Equal([0, 1], Placed(request).Vcpus);
    }

    [Fact]
    public void A_VM_that_no_longer_fits_is_refused_as_a_new_one_would_be()
    {
        var request = Request(Nodes.A, "0,4", 4, 2, "isolate") with
        {
            Current = Current("0 4 1 5"),
        };

        var refusal = Assert.IsType<Refusal>(Placer.Place(request, Placer.Default));

        Assert.Equal(Reason.NotEnoughCpus, refusal.Reason);
        Assert.Equal((5, 2), (refusal.Needed, refusal.Available));
    }

    [Fact]
    public void IO_threads_without_a_CPU_of_their_own_follow_from_the_rest()
    {
        var placement = Placed(
            Request(Nodes.A, "0-7", 4, 2, "") with
            {
                IoThreads = 2,
                Current = Current("7 6 5 4"),
            }
        );

        Assert.Equal(["0-1", "2-3"], placement.IoThreads.Select(cpus => cpus.ToString()));
    }

    private static CurrentPlacement Current(
        string vcpus,
        string supplemental = "",
        string? emulator = null
    ) => new(Masks(vcpus), Masks(supplemental), emulator is null ? null : CpuSet.Parse(emulator));

    // "0 - 1-2": CPU 0; nowhere; CPUs 1 and 2.
    private static ImmutableArray<CpuSet?> Masks(string text) =>
        [
            .. text.Split(' ', StringSplitOptions.RemoveEmptyEntries)
                .Select(mask => mask == "-" ? null : CpuSet.Parse(mask)),
        ];
}
