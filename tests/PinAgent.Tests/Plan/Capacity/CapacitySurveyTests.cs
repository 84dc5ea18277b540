using System.Collections.Immutable;
using PinAgent.Cli.Terminal;
using PinAgent.Model.Cpu;
using PinAgent.Model.Kubernetes;
using PinAgent.Model.Node;
using PinAgent.Model.Vm;
using PinAgent.Observe.Cluster;
using PinAgent.Plan.Capacity;
using PinAgent.Report.Status;
using Xunit;

namespace PinAgent.Tests.Plan.Capacity;

/// <summary>What a node has left, by what is known of it.</summary>
public sealed class CapacitySurveyTests
{
    // Four cores of two CPUs: (0,4) (1,5) (2,6) (3,7).
    private static readonly NodeTopology Topology = new(
        Enumerable.Range(0, 8).Select(id => new LogicalCpu(id, 0, 0, id % 4))
    );

    private static readonly NodeSnapshot Static = new(
        Topology,
        [],
        new(CpuManagerState.Static, new("static", CpuSet.Parse("0-2,4-5"), []), [])
    );

    [Fact]
    public void Free_is_the_shared_pool_without_what_the_kubelet_never_gives_out()
    {
        var node = CapacitySurvey.Of(
            Static with
            {
                PodResources = new(
                    CpuSet.Parse("1-3,5-7"),
                    ImmutableDictionary<ContainerName, CpuSet>.Empty
                ),
            }
        );

        // 1, 2 and 5, of which 1 and 5 are a core.
        Assert.Equal((3, 1, 2), (node.FreeCpus, node.FreeCores, node.ThreadsPerCore));
        Assert.Equal(3000, node.FreeMilliCpus);
        Assert.Null(node.FreeMemory);
    }

    [Fact]
    public void Without_a_CPU_manager_CPUs_that_the_agent_holds_for_VMs_count_as_given()
    {
        var node = CapacitySurvey.Of(
            new(Topology, [], new(CpuManagerState.Unknown, null, [])),
            CpuSet.Parse("1-2,5")
        );

        // 0, 4, 3 and 7 are two cores; 6 is alone.
        Assert.Equal((5, 2), (node.FreeCpus, node.FreeCores));
    }

    [Fact]
    public void Without_that_one_reserved_CPU_is_assumed_and_said()
    {
        var node = CapacitySurvey.Of(Static);

        Assert.Equal(4, node.FreeCpus);
        Assert.Contains(node.Notes, line => line.Contains("assumed one", StringComparison.Ordinal));
    }

    [Fact]
    public void A_cluster_tells_how_many_are_reserved_and_what_pods_request()
    {
        var node = CapacitySurvey.Of(
            Static with
            {
                Cluster = new()
                {
                    Sync = new(SyncState.Synced, null),
                    Allocatable = new(Quantity.Parse("6500m"), Quantity.Parse("10Gi")),
                    Pods = Pods(
                        Pod("a", ("compute", false, "3", "2Gi"), ("sidecar", false, "200m", "64M")),
                        Pod("b", ("init", true, "1", "1Gi"), ("app", false, "100m", "1Gi")),
                        Pod(
                            "wrapped",
                            ("ends", true, "340m", "1M"),
                            ("app", false, "90m", "1M")
                        ) with
                        {
                            CpuOverhead = Quantity.Parse("250m"),
                            MemoryOverhead = Quantity.Parse("3M"),
                        },
                        Pod("done", ("app", false, "2", "1Gi")) with
                        {
                            IsFinished = true,
                        }
                    ),
                },
            }
        );

        // Two are reserved: 0 and its sibling 4.
        Assert.Equal(3, node.FreeCpus);
        Assert.Equal(6500 - 3200 - 1000 - 590, node.FreeMilliCpus);
        Assert.Equal((7L << 30) - 64_000_000 - 4_000_000, node.FreeMemory);
    }

    [Fact]
    public void Pods_of_which_the_API_server_hasnt_told_are_noted()
    {
        var node = CapacitySurvey.Of(
            Static with
            {
                Cluster = new()
                {
                    Sync = new(SyncState.Stale, null),
                    Allocatable = new(Quantity.Parse("7"), null),
                },
            }
        );

        Assert.Contains(
            "the API server hasn't told of every pod: those missing count as none",
            node.Notes
        );
    }

    [Fact]
    public void A_CPU_manager_with_policy_none_gives_out_nothing()
    {
        var node = CapacitySurvey.Of(
            Static with
            {
                CpuManager = new(CpuManagerState.None, null, []),
            }
        );

        Assert.Equal(0, NodeCapacityStatus.Of(node).Fits);
    }

    [Fact]
    public void On_a_plain_host_CPUs_of_VMs_cgroups_are_in_use()
    {
        var node = CapacitySurvey.Of(
            Static with
            {
                CpuManager = new(CpuManagerState.Unknown, null, []),
                Vms = [Vm("2-3,6-7"), Vm("0-7"), Vm(null)],
            }
        );

        Assert.Equal((4, 2), (node.FreeCpus, node.FreeCores));
    }

    [Fact]
    public void The_node_s_allocatable_resources_are_read()
    {
        Assert.Equal(
            new NodeAllocatable(Quantity.Parse("15500m"), null),
            NodeReader.ReadAllocatable(
                """{"status":{"allocatable":{"cpu":"15500m","memory":"much"}}}"""u8
            )
        );
        Assert.Null(NodeReader.ReadAllocatable("""{"metadata":{"uid":"u"}}"""u8));
    }

    [Fact]
    public void It_reads_like_this()
    {
        using var text = new StringWriter();
        Output.Write(
            CapacityText.Render(
                CapacityStatus.Of(CapacitySurvey.Of(Static), new(2) { Sidecars = 1 }, false)
            ),
            text,
            isPipe: true
        );

        Golden.Check("capacity/node.txt", text.ToString());
    }

    private static ImmutableDictionary<string, PodFacts> Pods(params PodFacts[] pods) =>
        pods.ToImmutableDictionary(pod => pod.Uid);

    private static PodFacts Pod(
        string name,
        params (string Name, bool IsInit, string Cpu, string Memory)[] containers
    ) =>
        new(name, "default", name)
        {
            Containers = new(
                containers.Select(container => new PodContainer(container.Name, container.IsInit)
                {
                    CpuRequest = Quantity.Parse(container.Cpu),
                    MemoryLimit = Quantity.Parse(container.Memory),
                })
            ),
        };

    private static ObservedVm Vm(string? given) =>
        new()
        {
            Key = new(7, 1),
            Guest = GuestCpus.One,
            GivenCpuset = given is null ? null : CpuSet.Parse(given),
        };
}
