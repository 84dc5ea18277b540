using PinAgent.Model.Cpu;
using PinAgent.Model.Vm;
using PinAgent.Plan.Placement;
using Xunit;

namespace PinAgent.Tests.Plan.Placement;

/// <summary>Why a VM can't be placed: the codes, their order, and the two numbers.</summary>
public sealed class RefusalTests
{
    [Theory]
    [InlineData(Nodes.B, "0,4", 2, 2, "passthrough", 0, Reason.CrossesNumaNodes, 2)]
    [InlineData(Nodes.A, "0-2", 4, 2, "", 0, Reason.NotEnoughCpus, 4)]
    [InlineData(Nodes.A, "0", 2, 2, "isolate even", 1, Reason.NotEnoughCpus, 4)]
    [InlineData(Nodes.A, "", 1, 1, "", 0, Reason.NotEnoughCpus, 1)]
    [InlineData(Nodes.A, "0-1", 2, 1, "", 1, Reason.NoCpuForIoThread, 3)]
    [InlineData(Nodes.A, "0-2", 2, 1, "", 2, Reason.NoCpuForIoThread, 4)]
    [InlineData(Nodes.A, "0-1", 2, 1, "isolate", 0, Reason.NoCpuForEmulator, 3)]
    [InlineData(Nodes.A, "0-2", 2, 1, "isolate even", 0, Reason.NoCpuForEmulator, 4)]
    [InlineData(Nodes.A, "0-3", 2, 1, "isolate even", 2, Reason.NoCpuForEmulator, 6)]
    public void A_refusal_names_what_is_missing_and_both_numbers(
        string node,
        string cpuset,
        int vcpus,
        int threads,
        string flags,
        int supplemental,
        Reason reason,
        int needed
    )
    {
        var refusal = Refused(
            PlacementTests.Request(node, cpuset, vcpus, threads, flags) with
            {
                SupplementalIoThreads = supplemental,
            }
        );

        Assert.Equal(reason, refusal.Reason);
        Assert.Equal(needed, refusal.Needed);
        Assert.Equal(CpuSet.Parse(cpuset).Count, refusal.Available);
    }

    // Each row breaks everything from its reason on to the right: the first in the specified order is told.
    [Theory]
    [InlineData("0,4,99", 4, 2, "isolate passthrough", 1, 1, Reason.InvalidInput)]
    [InlineData("0,4,99", 4, 2, "isolate passthrough", 0, 1, Reason.UnknownCpu)]
    [InlineData("0,4", 4, 2, "isolate passthrough", 0, 1, Reason.NotEnoughCpus)]
    [InlineData("0,4", 2, 2, "isolate passthrough", 0, 1, Reason.CrossesNumaNodes)]
    [InlineData("0-1", 2, 2, "isolate passthrough", 0, 1, Reason.NoCpuForIoThread)]
    [InlineData("0-2", 2, 2, "isolate passthrough", 0, 1, Reason.NoCpuForEmulator)]
    public void The_first_reason_in_the_specified_order_is_told(
        string cpuset,
        int vcpus,
        int threads,
        string flags,
        int ioThreads,
        int supplemental,
        Reason reason
    )
    {
        var refusal = Refused(
            PlacementTests.Request(Nodes.B, cpuset, vcpus, threads, flags) with
            {
                IoThreads = ioThreads,
                SupplementalIoThreads = supplemental,
            }
        );

        Assert.Equal(reason, refusal.Reason);
        Assert.Equal(vcpus + supplemental + 1, refusal.Needed);
        Assert.Equal(CpuSet.Parse(cpuset).Count, refusal.Available);
    }

    [Theory]
    [InlineData(0, 1, 0, 0)]
    [InlineData(-1, 1, 0, 0)]
    [InlineData(1, 0, 0, 0)]
    [InlineData(1, 1, -1, 0)]
    [InlineData(1, 1, 0, -1)]
    [InlineData(1, 1, 1, 1)]
    [InlineData(65_537, 1, 0, 0)]
    [InlineData(1, 1, 65_537, 0)]
    public void Numbers_that_make_no_guest_are_invalid_input(
        int vcpus,
        int threads,
        int ioThreads,
        int supplemental
    )
    {
        var refusal = Refused(
            PlacementTests.Request(Nodes.A, "0-7", vcpus, threads, "") with
            {
                IoThreads = ioThreads,
                SupplementalIoThreads = supplemental,
            }
        );

        Assert.Equal(Reason.InvalidInput, refusal.Reason);
    }

    [Fact]
    public void Housekeeping_CPUs_outside_the_cpuset_are_invalid_input()
    {
        var refusal = Refused(
            PlacementTests.Request(Nodes.A, "0-3", 1, 1, "") with
            {
                EmulatorCpuset = CpuSet.Parse("3-4"),
            }
        );

        Assert.Equal(Reason.InvalidInput, refusal.Reason);
    }

    [Theory]
    [InlineData("passthrough")]
    [InlineData("")]
    public void A_cpuset_that_has_enough_CPUs_only_with_the_housekeeping_ones_is_not_enough(
        string flags
    )
    {
        var refusal = Refused(
            PlacementTests.Request(Nodes.A, "0-3", 4, 2, flags) with
            {
                EmulatorCpuset = CpuSet.Parse("3"),
            }
        );

        Assert.Equal(Reason.NotEnoughCpus, refusal.Reason);
        Assert.Equal((5, 4), (refusal.Needed, refusal.Available));
    }

    [Fact]
    public void One_CPU_short_with_two_threads_per_core_is_refused_not_left_half_pinned()
    {
        // virt-launcher can report success here with a vCPU left unpinned.
        var refusal = Refused(PlacementTests.Request(Nodes.A, "0-2", 4, 2, ""));

        Assert.Equal(Reason.NotEnoughCpus, refusal.Reason);
    }

    private static Refusal Refused(PlacementRequest request) =>
        Assert.IsType<Refusal>(Placer.Place(request, Placer.Default));
}
