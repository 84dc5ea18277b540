using PinAgent.Model.Cpu;
using PinAgent.Plan.Placement;
using Xunit;

namespace PinAgent.Tests.Plan.Placement;

/// <summary>Where a new VM's threads go: the worked examples, and the rules one by one, computed by hand.</summary>
public sealed class PlacementTests
{
    [Theory]
    [InlineData(Nodes.A, "0,1,4,5", 4, 2, "", "0 4 1 5", "0-1,4-5")]
    [InlineData(Nodes.A, "0,1,2,4,5", 4, 2, "isolate", "0 4 1 5", "2")]
    [InlineData(Nodes.A, "0,1,4,5", 3, 1, "isolate", "0 4 1", "5")]
    [InlineData(Nodes.A, "0-2", 2, 2, "isolate", "0 1", "2")]
    [InlineData(Nodes.A, "0,1,2,4,5", 4, 4, "", "0 4 1 5", "0-2,4-5")]
    [InlineData(Nodes.B, "0,2,4,6", 4, 2, "", "0 2 4 6", "0,2,4,6")]
    [InlineData(Nodes.B, "0,4", 2, 2, "", "0 4", "0,4")]
    [InlineData(Nodes.B, "0,2,3,4", 2, 2, "isolate even", "2 3", "0,4")]
    public void The_specifications_worked_examples(
        string node,
        string cpuset,
        int vcpus,
        int threads,
        string flags,
        string expected,
        string emulator
    )
    {
        var placement = Place(node, cpuset, vcpus, threads, flags);

        Assert.Equal(expected, string.Join(' ', placement.Vcpus));
        Assert.Equal(emulator, placement.Emulator.ToString());
    }

    [Theory]
    [InlineData("(0,4)(1,5)(2,6)", "1-2,4-6", 4, 2, "1 5 2 6", "full cores before the fragment 4")]
    [InlineData("(0,1)(2,3)|(4,5)", "0,2,4-5", 4, 2, "4 5 0 2", "node 1's core, node 0's rest")]
    [InlineData("(0-3)(4-7)", "0-7", 4, 2, "0 1 2 3", "what remains of a core stays first")]
    [InlineData("(0-2)(3-5)", "0-5", 4, 2, "0 1 3 4", "a remainder too small is a fragment")]
    [InlineData("(0-2)(3-5)", "0-5", 6, 2, "0 1 3 4 2 5", "remainders are fragments in order")]
    [InlineData("(0,4)(1,5)", "0-1,4-5", 3, 3, "0 4 1", "guest cores wider than the host's")]
    [InlineData("(0,1)(2,3)|(4,5)", "1,3,5", 2, 1, "1 3", "threads 1: every CPU is a full core")]
    [InlineData("(0,1)|(2,3)|(4,5)", "1,2,5", 2, 2, "1 2", "across nodes, node by node")]
    [InlineData("(4,5)|(0,1)", "0-1,4-5", 4, 2, "4 5 0 1", "nodes in their order, not the ids'")]
    public void A_guest_core_is_taken_from_full_cores_then_one_nodes_fragments_then_all(
        string node,
        string cpuset,
        int vcpus,
        int threads,
        string expected,
        string why
    )
    {
        var placement = Place(node, cpuset, vcpus, threads, "");

        Assert.True(
            expected == string.Join(' ', placement.Vcpus),
            $"{why}: expected {expected}, found {string.Join(' ', placement.Vcpus)}"
        );
    }

    [Theory]
    [InlineData(Nodes.A, "0-7", 2, 2, "isolate", "1", "no fragments: first CPU of the first core")]
    [InlineData(Nodes.A, "0-7", 2, 2, "isolate even", "1,5", "the broken core's rest comes next")]
    [InlineData(Nodes.A, "0-1,3-7", 2, 2, "isolate", "6", "a fragment before a full core")]
    [InlineData("(0-3)(4-7)", "0-7", 2, 2, "isolate", "2", "what remains stays a core")]
    [InlineData("(0-2)(3-5)", "0-5", 2, 2, "isolate", "2", "the remainder of the guest's core")]
    [InlineData(Nodes.B, "0-7", 4, 2, "isolate", "4", "the first node that has anything")]
    [InlineData(Nodes.B, "0-7", 2, 2, "isolate", "2", "the first node, though the second is whole")]
    public void The_emulators_CPU_is_a_fragment_or_else_the_first_cores_first(
        string node,
        string cpuset,
        int vcpus,
        int threads,
        string flags,
        string emulator,
        string why
    )
    {
        var placement = Place(node, cpuset, vcpus, threads, flags);

        Assert.True(
            emulator == placement.Emulator.ToString(),
            $"{why}: expected {emulator}, found {placement.Emulator}"
        );
        Assert.True(placement.EmulatorIsolated);
    }

    [Theory]
    [InlineData(4, 0, "isolate even", "4-5")]
    [InlineData(3, 0, "isolate even", "3")]
    [InlineData(4, 0, "isolate", "4")]
    [InlineData(4, 0, "even", "0-7")]
    [InlineData(3, 1, "isolate even", "4-5")]
    [InlineData(4, 1, "isolate even", "5")]
    public void Even_parity_gives_an_isolated_emulator_a_second_CPU_when_the_others_are_even(
        int vcpus,
        int supplemental,
        string flags,
        string emulator
    )
    {
        var request = Request("(0)(1)(2)(3)(4)(5)(6)(7)", "0-7", vcpus, 1, flags) with
        {
            SupplementalIoThreads = supplemental,
        };

        Assert.Equal(emulator, Placed(request).Emulator.ToString());
    }

    [Fact]
    public void Supplemental_IO_threads_get_a_CPU_each_after_the_vCPUs_and_before_the_emulator()
    {
        var placement = Placed(
            Request(Nodes.A, "0-2,4-6", 2, 2, "isolate") with
            {
                SupplementalIoThreads = 2,
            }
        );

        Assert.Equal([0, 4], placement.Vcpus);
        Assert.Equal([1, 5], placement.SupplementalIoThreads);
        Assert.Equal("2", placement.Emulator.ToString());
        Assert.Equal("6", placement.Unused.ToString());
        Assert.Empty(placement.IoThreads);
    }

    [Fact]
    public void The_emulator_that_somebody_gave_housekeeping_CPUs_has_those_and_nobody_else_gets_them()
    {
        var placement = Placed(
            Request(Nodes.A, "0-2,4-6", 4, 2, "") with
            {
                EmulatorCpuset = CpuSet.Parse("4"),
                IoThreads = 2,
            }
        );

        // Without CPU 4, core 0 is a fragment; the cores 1 and 2 are whole.
        Assert.Equal([1, 5, 2, 6], placement.Vcpus);
        Assert.Equal("4", placement.Emulator.ToString());
        Assert.True(placement.EmulatorIsolated);
        Assert.Equal(["4", "4"], placement.IoThreads.Select(cpus => cpus.ToString()));
        Assert.Equal("0", placement.Unused.ToString());
    }

    [Fact]
    public void With_NUMA_passthrough_a_guest_core_stays_in_one_node_even_from_fragments()
    {
        var placement = Place(Nodes.B, "0,2,4,6", 4, 2, "passthrough");

        Assert.Equal([0, 2, 4, 6], placement.Vcpus);
    }

    // A vCPU count that isn't a multiple of the threads occurs only after hotplug outside KubeVirt; the
    // specification has no rule for it. Here: whole guest cores first, then the incomplete one, CPU by CPU.
    [Theory]
    [InlineData(Nodes.A, "0-7", 3, "", "0 4 1")]
    [InlineData(Nodes.A, "0-2,4-5", 3, "", "0 4 2")]
    [InlineData(Nodes.B, "0-7", 5, "", "0 1 2 3 4")]
    [InlineData(Nodes.B, "1-3", 1, "passthrough", "1")]
    public void A_guest_core_that_hotplug_left_incomplete_comes_last_and_CPU_by_CPU(
        string node,
        string cpuset,
        int vcpus,
        string flags,
        string expected
    )
    {
        var placement = Place(node, cpuset, vcpus, 2, flags);

        Assert.Equal(expected, string.Join(' ', placement.Vcpus));
    }

    internal static PlacementRequest Request(
        string node,
        string cpuset,
        int vcpus,
        int threads,
        string flags
    ) =>
        new()
        {
            Topology = Nodes.Parse(node),
            Cpuset = CpuSet.Parse(cpuset),
            Vcpus = vcpus,
            ThreadsPerCore = threads,
            IsolateEmulatorThread = flags.Contains("isolate"),
            EmulatorThreadCompleteToEvenParity = flags.Contains("even"),
            NumaPassthrough = flags.Contains("passthrough"),
        };

    internal static CpuPlacement Placed(PlacementRequest request) =>
        Assert.IsType<CpuPlacement>(Placer.Place(request, Placer.Default));

    private static CpuPlacement Place(
        string node,
        string cpuset,
        int vcpus,
        int threads,
        string flags
    ) => Placed(Request(node, cpuset, vcpus, threads, flags));
}
