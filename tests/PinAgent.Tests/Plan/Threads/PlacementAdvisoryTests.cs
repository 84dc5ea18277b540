using PinAgent.Model.Cpu;
using PinAgent.Model.Vm;
using PinAgent.Observe.Topology;
using PinAgent.Plan;
using PinAgent.Plan.Dedication;
using PinAgent.Plan.Placement;
using PinAgent.Plan.Threads;
using Xunit;

namespace PinAgent.Tests.Plan.Threads;

/// <summary>vCPUs on cores of several kinds, and guest sockets on NUMA nodes that the guest doesn't see.</summary>
public sealed class PlacementAdvisoryTests
{
    [Fact]
    public void VCPUs_on_cores_of_several_kinds_are_told_which()
    {
        var told = Assert.Single(Advise("16amd64-hybrid-6p8e2lp", new(1, 5, 1), 0, 6, 1, 15, 7));

        Assert.Equal(
            "vCPUs 0,2 on performance cores, vCPUs 1,4 on efficiency cores, vCPU 3 on low-power cores: the guest takes its "
                + "vCPUs for alike; give the VM CPUs of one kind",
            told
        );
    }

    [Theory]
    [InlineData("16amd64-hybrid-6p8e2lp", 0, 1, 2, 5)]
    [InlineData("16amd64-hybrid-6p8e2lp", 6, 7, 12, 13)]
    // They differ by three per cent.
    [InlineData("20arm64-10p10e", 5, 19, 15, 6)]
    [InlineData("8amd64-1s4c2t", 0, 4, 1, 5)]
    public void VCPUs_on_cores_of_one_kind_arent_told_of(string machine, params int[] cpus) =>
        Assert.Empty(Advise(machine, new(1, 4, 1), cpus));

    [Fact]
    public void A_CPU_that_is_offline_is_of_no_kind() =>
        Assert.Empty(Advise("16amd64-hybrid-6p8e2lp", new(1, 3, 1), 0, 99, 1));

    // CPUs 0-7 are NUMA node 0's, the others node 1's.
    [Theory]
    [InlineData(1, 4, 1, "guest socket 0 has vCPUs on the host's NUMA nodes 0-1", 0, 1, 8, 9)]
    [InlineData(2, 2, 1, null, 0, 1, 8, 9)]
    [InlineData(2, 1, 2, "guest sockets 0-1 have vCPUs on the host's NUMA nodes 0-1", 0, 8, 1, 9)]
    [InlineData(4, 1, 1, null, 0, 8, 1, 9)]
    [InlineData(1, 2, 2, null, 4, 5, 6, 7)]
    public void A_guest_socket_on_several_NUMA_nodes_is_told(
        int sockets,
        int cores,
        int threads,
        string? expected,
        params int[] cpus
    )
    {
        var told = Advise("16amd64-2s2n4c2t", new(sockets, cores, threads), cpus);

        if (expected is null)
        {
            Assert.Empty(told);
        }
        else
        {
            Assert.StartsWith(expected, Assert.Single(told), StringComparison.Ordinal);
        }
    }

    [Fact]
    public void A_guest_that_sees_NUMA_nodes_isnt_told()
    {
        var topology = Topology("16amd64-2s2n4c2t");
        var shape = Shape(new(1, 4, 1));
        var placement = Placement(0, 1, 8, 9);

        Assert.Single(PlacementAdvisories.Of(shape, placement, topology));
        Assert.Empty(
            PlacementAdvisories.Of(
                With(
                    shape,
                    verdict =>
                        verdict with
                        {
                            Vmi = new("default", "vm1") { Spec = new() { NumaPassthrough = true } },
                        }
                ),
                placement,
                topology
            )
        );
        Assert.Empty(
            PlacementAdvisories.Of(
                With(
                    shape,
                    verdict =>
                        verdict with
                        {
                            Vm = shape.Vm with { Guest = shape.Vm.Guest with { NumaNodes = 2 } },
                        }
                ),
                placement,
                topology
            )
        );
    }

    // vCPUs 0 and 3 of a guest that can have four sockets: unplugged ones leave gaps.
    [Fact]
    public void Sockets_are_counted_by_the_vCPUs_numbers()
    {
        var shape = Shape(new(2, 2, 1));
        var gaps = shape with { Vcpus = [shape.Vcpus[0], shape.Vcpus[3]] };
        var topology = Topology("16amd64-2s2n4c2t");

        Assert.Empty(PlacementAdvisories.Of(gaps, Placement(0, 8), topology));
        Assert.Single(
            PlacementAdvisories.Of(
                shape with
                {
                    Vcpus = [shape.Vcpus[2], shape.Vcpus[3]],
                },
                Placement(0, 8),
                topology
            )
        );
    }

    private static IReadOnlyList<string> Advise(
        string machine,
        GuestTopology guest,
        params int[] cpus
    ) => PlacementAdvisories.Of(Shape(guest), Placement(cpus), Topology(machine));

    private static VmShape Shape(GuestTopology guest) =>
        VmShape.Of(new DedicationVerdict(Vms.Vm("vm1", "0-15", guest), "host", "vm1"));

    private static VmShape With(VmShape shape, Func<DedicationVerdict, DedicationVerdict> change) =>
        shape with
        {
            Verdict = change(shape.Verdict),
        };

    private static CpuPlacement Placement(params int[] cpus) =>
        new()
        {
            Vcpus = [.. cpus],
            SupplementalIoThreads = [],
            Emulator = CpuSet.Empty,
            EmulatorIsolated = false,
            IoThreads = [],
            Unused = CpuSet.Empty,
        };

    private static NodeTopology Topology(string machine)
    {
        using var host = new FakeHost().Load(Fixtures.PathOf($"machines/{machine}/machine.txt"));
        return SysfsTopology.Read(host.Files);
    }
}
