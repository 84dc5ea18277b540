using System.Numerics;
using System.Text;
using CsCheck;
using PinAgent.Kubernetes.Client;
using PinAgent.Model.Kubernetes;
using PinAgent.Observe.Cluster;
using PinAgent.Plan.Capacity;
using Xunit;

namespace PinAgent.Tests.Plan.Capacity;

/// <summary>How many more VMs fit on a node, and what runs out first.</summary>
public sealed class CapacityTests
{
    private const long Gibi = 1 << 30;

    private static readonly Gen<CapacityNode> Nodes = Gen.Select(
            Gen.Int[0, 300],
            Gen.Int[1, 4],
            Gen.Int[-1000, 300_000],
            Gen.Long[0, 1000 * Gibi],
            Gen.Bool
        )
        .Select(
            (cpus, threads, milli, memory, hasMemory) =>
                new CapacityNode(
                    cpus,
                    cpus / threads,
                    threads,
                    milli,
                    hasMemory ? memory : null,
                    []
                )
        );

    private static readonly Gen<CapacityShape> Shapes = Gen.Select(
            Gen.Int[1, 40],
            Gen.Bool,
            Gen.Bool,
            Gen.Int[0, 4],
            Gen.Int[0, 4],
            Gen.Int[0, 100]
        )
        .Select(
            (vcpus, isolate, even, io, sidecars, gibi) =>
                new CapacityShape(vcpus)
                {
                    IsolateEmulator = isolate,
                    EvenParity = even,
                    SupplementalIoThreads = io,
                    Sidecars = sidecars,
                    Memory = gibi == 0 ? null : Quantity.Parse($"{gibi}Gi"),
                }
        );

    [Theory]
    [InlineData(4, false, false, 0, 4)]
    [InlineData(4, true, false, 0, 5)]
    [InlineData(4, true, true, 0, 6)]
    [InlineData(3, true, true, 0, 4)]
    // With even parity KubeVirt's sum counts the pool twice: an odd one makes it one more, or one fewer.
    [InlineData(4, true, true, 1, 7)]
    [InlineData(3, true, true, 1, 5)]
    [InlineData(4, true, true, 2, 8)]
    [InlineData(3, true, true, 2, 6)]
    [InlineData(3, true, false, 1, 5)]
    [InlineData(4, false, true, 2, 6)]
    public void A_VM_takes_CPUs_for_its_vCPUs_its_IO_threads_and_its_emulator(
        int vcpus,
        bool isolate,
        bool even,
        int ioThreads,
        int expected
    ) =>
        Assert.Equal(
            expected,
            new CapacityShape(vcpus)
            {
                IsolateEmulator = isolate,
                EvenParity = even,
                SupplementalIoThreads = ioThreads,
            }.WholeCpus
        );

    [Fact]
    public void Sidecars_take_200_thousandths_and_64_million_bytes_each_and_the_consoles_log_15_and_60()
    {
        var shape = new CapacityShape(2) { Sidecars = 2, Memory = Quantity.Parse("1G") };

        Assert.Equal(2415, shape.MilliCpus);
        Assert.Equal((BigInteger)1_188_000_000, shape.MemoryBytes);
    }

    [Theory]
    [InlineData("", "200m", "64M")]
    [InlineData("""{"type":"vmexport","resources":{"limits":{"cpu":"1"}}}""", "200m", "64M")]
    [InlineData("""{"type":"sidecar","resources":{"requests":{"cpu":"1m"}}}""", "200m", "64M")]
    [InlineData("""{"type":"sidecar","resources":{"limits":{"cpu":"50m"}}}""", "50m", "64M")]
    [InlineData(
        """{"type":"sidecar","resources":{"limits":{"cpu":1,"memory":"2Gi"}}}""",
        "1",
        "2Gi"
    )]
    [InlineData("""{"type":"sidecar","resources":{"limits":{"cpu":"much"}}},null""", "200m", "64M")]
    public void What_the_KubeVirt_object_says_of_sidecars_goes_before_the_default(
        string containers,
        string cpu,
        string memory
    )
    {
        var facts = FeatureGates.KubeVirts.Understand(
            new ApiMetadata { Uid = "u", Name = "kubevirt" },
            Encoding.UTF8.GetBytes(
                """{"spec":{"configuration":{"supportContainerResources":[""" + containers + "]}}}"
            )
        );

        Assert.Equal(
            new ContainerAmount(Quantity.Parse(cpu), Quantity.Parse(memory)),
            ContainerAmount.Of(
                new ClusterFacts { SupportContainers = [.. facts.SupportContainers] },
                ContainerAmount.Sidecar
            )
        );
    }

    [Fact]
    public void Sidecars_and_container_disks_take_what_each_of_them_is_given()
    {
        var shape = new CapacityShape(2)
        {
            Sidecars = 2,
            Sidecar = new(Quantity.Parse("50m"), Quantity.Parse("1M")),
            ContainerDisks = 3,
            ContainerDisk = new(Quantity.Parse("10m"), Quantity.Parse("40M")),
            Memory = Quantity.Parse("1G"),
        };

        Assert.Equal(2145, shape.MilliCpus);
        Assert.Equal((BigInteger)1_182_000_000, shape.MemoryBytes);
        var silent = shape with { HasConsoleLog = false };
        Assert.Equal(2130, silent.MilliCpus);
        Assert.Equal((BigInteger)1_122_000_000, silent.MemoryBytes);
    }

    [Theory]
    [InlineData(ContainerAmount.Sidecar, "200m", "64M")]
    [InlineData(ContainerAmount.ContainerDisk, "10m", "40M")]
    [InlineData(ContainerAmount.ConsoleLog, "15m", "60M")]
    public void Each_kind_of_container_has_KubeVirts_default(
        string type,
        string cpu,
        string memory
    ) =>
        Assert.Equal(
            new ContainerAmount(Quantity.Parse(cpu), Quantity.Parse(memory)),
            ContainerAmount.Of(null, type)
        );

    // 16 CPUs in cores of two, two of them reserved.
    [Theory]
    [InlineData(14, 14_000, 2, 0, 6, CapacityLimit.SharedPool)]
    [InlineData(14, 14_105, 2, 0, 7, CapacityLimit.WholeCpus)]
    [InlineData(14, 14_000, 4, 0, 3, CapacityLimit.WholeCpus)]
    [InlineData(14, 14_000, 2, 1, 6, CapacityLimit.SharedPool)]
    [InlineData(14, 15_505, 2, 1, 7, CapacityLimit.WholeCpus)]
    [InlineData(14, 15_504, 2, 1, 6, CapacityLimit.SharedPool)]
    [InlineData(14, 3_900, 4, 0, 0, CapacityLimit.SharedPool)]
    [InlineData(1, 9_000, 2, 0, 0, CapacityLimit.WholeCpus)]
    [InlineData(14, -500, 2, 0, 0, CapacityLimit.SharedPool)]
    public void What_runs_out_first_is_named(
        int freeCpus,
        int freeMilli,
        int vcpus,
        int sidecars,
        int fits,
        CapacityLimit limit
    ) =>
        Assert.Equal(
            new CapacityAnswer(fits, limit),
            CapacityAnswer.Of(
                new(freeCpus, freeCpus / 2, 2, freeMilli, null, []),
                new(vcpus) { Sidecars = sidecars }
            )
        );

    [Fact]
    public void Memory_counts_where_the_VM_names_it_and_the_node_knows_it()
    {
        var node = new CapacityNode(14, 7, 2, 15_000, 9 * Gibi, []);
        var shape = new CapacityShape(2) { Memory = Quantity.Parse("4Gi") };

        Assert.Equal(new CapacityAnswer(2, CapacityLimit.Memory), CapacityAnswer.Of(node, shape));
        Assert.Equal(7, CapacityAnswer.Of(node, shape with { Memory = null }).Fits);
        Assert.Equal(7, CapacityAnswer.Of(node with { FreeMemory = null }, shape).Fits);
    }

    [Fact]
    public void A_kubelet_that_gives_out_whole_cores_rejects_an_odd_VM_and_passes_over_broken_cores()
    {
        var node = new CapacityNode(14, 5, 2, 14_000, null, []);
        var odd = new CapacityShape(4) { IsolateEmulator = true };

        Assert.Equal(
            new CapacityAnswer(0, CapacityLimit.SmtAlignment),
            CapacityAnswer.Of(node, odd, wholeCores: true)
        );
        Assert.Equal(
            new CapacityAnswer(1, CapacityLimit.WholeCpus),
            CapacityAnswer.Of(node, odd with { EvenParity = true }, wholeCores: true)
        );
    }

    [Fact]
    public void It_is_what_is_counted_when_VMs_are_added_one_by_one_until_none_fits() =>
        Gen.Select(Nodes, Shapes, Gen.Bool)
            .Sample(
                (node, shape, wholeCores) =>
                {
                    var counted = 0;
                    for (var left = node; TryAdd(ref left, shape, wholeCores); counted++)
                    {
                        Assert.Equal(
                            CapacityAnswer.Of(node, shape, wholeCores).Fits - counted - 1,
                            CapacityAnswer.Of(left, shape, wholeCores).Fits
                        );
                    }

                    Assert.Equal(counted, CapacityAnswer.Of(node, shape, wholeCores).Fits);
                }
            );

    [Fact]
    public void A_larger_VM_never_fits_more_often_and_a_larger_node_never_less_often() =>
        Gen.Select(Nodes, Shapes)
            .Sample(
                (node, shape) =>
                {
                    var fits = CapacityAnswer.Of(node, shape).Fits;
                    Assert.True(fits >= 0);
                    Assert.True(
                        fits >= CapacityAnswer.Of(node, shape with { Vcpus = shape.Vcpus + 2 }).Fits
                    );
                    Assert.True(
                        fits
                            >= CapacityAnswer
                                .Of(node, shape with { Sidecars = shape.Sidecars + 1 })
                                .Fits
                    );
                    Assert.True(
                        fits
                            <= CapacityAnswer
                                .Of(node with { FreeCpus = node.FreeCpus + 1 }, shape)
                                .Fits
                    );
                    Assert.True(
                        fits
                            <= CapacityAnswer
                                .Of(node with { FreeMilliCpus = node.FreeMilliCpus + 1000 }, shape)
                                .Fits
                    );
                }
            );

    // What the scheduler and the kubelet do with one pod.
    private static bool TryAdd(ref CapacityNode node, CapacityShape shape, bool wholeCores)
    {
        var cores = shape.WholeCpus / node.ThreadsPerCore;
        var hasCpus = wholeCores
            ? cores * node.ThreadsPerCore == shape.WholeCpus && cores <= node.FreeCores
            : shape.WholeCpus <= node.FreeCpus;
        var memory = node.FreeMemory is null ? null : shape.MemoryBytes;
        if (
            !hasCpus
            || node.FreeMilliCpus < (1000 * shape.WholeCpus) + shape.SharedMilliCpus
            || node.FreeMemory < memory
        )
        {
            return false;
        }

        node = node with
        {
            FreeCpus = node.FreeCpus - shape.WholeCpus,
            FreeCores = wholeCores ? node.FreeCores - cores : node.FreeCores,
            FreeMilliCpus = node.FreeMilliCpus - (1000 * shape.WholeCpus) - shape.SharedMilliCpus,
            FreeMemory = node.FreeMemory - (memory ?? 0),
        };
        return true;
    }
}
