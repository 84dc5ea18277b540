using PinAgent.Model.Cpu;
using PinAgent.Plan.Placement;
using Xunit;
using static PinAgent.Tests.Plan.Placement.PlacementTests;

namespace PinAgent.Tests.Plan.Placement;

/// <summary>Where the I/O threads go that have no CPU of their own.</summary>
public sealed class SharedIoThreadsTests
{
    private const string EightCpus = "(0)(1)(2)(3)(4)(5)(6)(7)";

    [Theory]
    [InlineData(8, 1, "0-7")]
    [InlineData(8, 2, "0-3 4-7")]
    [InlineData(8, 3, "0-2 3-5 6-7")]
    [InlineData(8, 5, "0-1 2-3 4-5 6 7")]
    [InlineData(8, 7, "0-1 2 3 4 5 6 7")]
    [InlineData(4, 3, "0-1 2 3")]
    public void Fewer_than_vCPUs_they_share_consecutive_runs_of_the_cpuset(
        int vcpus,
        int threads,
        string expected
    ) => Assert.Equal(expected, IoThreads("0-7", vcpus, threads));

    [Theory]
    [InlineData("0-7", 4, 4, "1 2 3 0")]
    [InlineData("0-7", 3, 7, "1 2 0 1 2 0 1")]
    [InlineData("0-7", 1, 2, "0 0")]
    [InlineData("2,4,6", 2, 3, "4 2 4")]
    public void At_least_as_many_as_vCPUs_they_take_the_cpusets_first_CPUs_in_turn_from_the_second(
        string cpuset,
        int vcpus,
        int threads,
        string expected
    ) => Assert.Equal(expected, IoThreads(cpuset, vcpus, threads));

    [Fact]
    public void They_go_by_the_cpusets_order_even_where_the_vCPUs_do_not() =>
        Assert.Equal("0-1 4-5", Text(Request(Nodes.A, "0-1,4-5", 4, 2, "") with { IoThreads = 2 }));

    [Theory]
    [InlineData("isolate", "4")]
    [InlineData("isolate even", "4-5")]
    public void Beside_an_isolated_emulator_they_all_run_on_its_CPUs(string flags, string expected)
    {
        var request = Request(EightCpus, "0-7", 4, 1, flags) with { IoThreads = 3 };

        Assert.Equal($"{expected} {expected} {expected}", Text(request));
    }

    [Fact]
    public void The_CPUs_they_share_do_not_count_as_used()
    {
        var request = Request(EightCpus, "0-7", 2, 1, "") with { IoThreads = 9 };

        Assert.Equal(CpuSet.Parse("2-7"), Placed(request).Unused);
    }

    private static string IoThreads(string cpuset, int vcpus, int threads) =>
        Text(Request(EightCpus, cpuset, vcpus, 1, "") with { IoThreads = threads });

    private static string Text(PlacementRequest request) =>
        string.Join(' ', Placed(request).IoThreads);
}
