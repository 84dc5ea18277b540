using System.Collections.Immutable;
using PinAgent.Model.Cpu;
using PinAgent.Model.Kubernetes;
using PinAgent.Model.Node;
using Xunit;

namespace PinAgent.Tests.Plan.Dedication;

/// <summary>
/// A container's CPUs by its cgroup, by the kubelet's PodResources API and by the checkpoint; <c>?</c> is unknown. The
/// shared pool is 0-1.
/// </summary>
public sealed class CpuCrossCheckTests
{
    private const string Unknown = "?";

    [Theory]
    [InlineData("2-3", "2-3", "2-3")]
    [InlineData("2-3", "?", "2-3")]
    [InlineData("2-3", "2-3", "?")]
    [InlineData("2-3", "?", "?")]
    public void Nothing_is_said_where_they_agree_or_nobody_knows(
        string cgroup,
        string told,
        string written
    ) => Assert.Null(Disagreement(cgroup, told, written));

    [Theory]
    [InlineData("2-5", "2-3", "2-3", "cgroup 2-5, PodResources API 2-3, checkpoint 2-3")]
    [InlineData("2-3", "2-3", "4-5", "cgroup 2-3, PodResources API 2-3, checkpoint 4-5")]
    [InlineData("2-3", "4-5", "?", "cgroup 2-3, PodResources API 4-5, checkpoint unknown")]
    [InlineData("2-3", "?", "4-5", "cgroup 2-3, PodResources API unknown, checkpoint 4-5")]
    // What nobody counts as taken may be given to somebody else.
    [InlineData("2-3", "", "", "cgroup 2-3, PodResources API none, checkpoint none")]
    [InlineData("2-3", "0-1", "", "cgroup 2-3, PodResources API 0-1, checkpoint none")]
    [InlineData("0-1", "2-3", "2-3", "cgroup 0-1, PodResources API 2-3, checkpoint 2-3")]
    public void A_disagreement_is_told_with_the_three_sets(
        string cgroup,
        string told,
        string written,
        string expected
    ) => Assert.Equal(expected, Disagreement(cgroup, told, written));

    [Theory]
    // Kubelets before 1.23 tell the pool for containers that have nothing of their own.
    [InlineData("0-1", "0-1", "")]
    [InlineData("0-1", "", "")]
    // The pool has changed, and the cgroup will follow.
    [InlineData("0-3", "", "")]
    public void A_VM_that_shares_its_CPUs_isnt_spoken_of(
        string cgroup,
        string told,
        string written
    ) => Assert.Null(Disagreement(cgroup, told, written, isDedicated: false));

    [Fact]
    public void A_disagreement_is_never_acted_on()
    {
        var node = Node("2-3", isDedicated: true);

        var plan = node.Pass();

        node.CpuManager = CpuManager("4-5");
        node.PodResources = Resources("6-7");
        var contradicted = node.Pass();
        Assert.Null(contradicted.Obstacle);
        Assert.Equal(plan.Threads, contradicted.Threads);
        Assert.NotNull(contradicted.Disagreement);
    }

    [Fact]
    public void A_kubelet_that_gives_out_no_CPUs_says_nothing_of_a_DRA_drivers()
    {
        var node = Node("2-3", isDedicated: true);
        node.CpuManager = new(
            CpuManagerState.Dra,
            new CpuManagerCheckpoint("none", CpuSet.Empty, []),
            []
        );
        node.PodResources = Resources("") with { Allocatable = CpuSet.Empty };

        Assert.Null(node.Pass().Disagreement);
    }

    [Fact]
    public void A_pod_that_the_kubelet_doesnt_list_is_unknown_to_it()
    {
        var node = Node("2-3", isDedicated: true);
        node.CpuManager = CpuManager("2-3");
        node.PodResources = Resources("4-5") with
        {
            Containers = ImmutableDictionary<ContainerName, CpuSet>.Empty,
        };

        Assert.Null(node.Pass().Disagreement);
    }

    [Theory]
    [InlineData("pod1", "compute", false)]
    [InlineData("pod1", "sidecar", true)]
    [InlineData("pod2", "compute", true)]
    // The oldest checkpoints name containers by their id.
    [InlineData(null, "pod1-c1", false)]
    [InlineData(null, "pod2-c1", true)]
    // The pod's as a whole: whose within it isn't written.
    [InlineData("pod1", null, false)]
    public void The_entry_is_the_one_of_its_container(string? pod, string? container, bool isTold)
    {
        var node = Node("2-3", isDedicated: true);
        node.CpuManager = new(
            CpuManagerState.Static,
            new CpuManagerCheckpoint(
                "static",
                CpuSet.Parse("0-1"),
                [new ExclusiveCpus(pod, container, CpuSet.Parse("2-3"))]
            ),
            []
        );

        Assert.Equal(isTold, node.Pass().Disagreement is not null);
    }

    private static string? Disagreement(
        string cgroup,
        string told,
        string written,
        bool isDedicated = true
    )
    {
        var node = Node(cgroup, isDedicated);
        node.PodResources = told == Unknown ? null : Resources(told);
        node.CpuManager =
            written == Unknown ? new(CpuManagerState.Unknown, null, []) : CpuManager(written);
        return node.Pass().Disagreement;
    }

    private static ClusterNode Node(string cgroup, bool isDedicated) =>
        new ClusterNode()
            .Tell([ClusterNode.Launcher("pod1", "vm1")], ClusterNode.Vmi("vm1", isDedicated))
            .Run(100, "pod1", cgroup);

    private static PodResources Resources(string cpus) =>
        new(
            CpuSet.Parse("2-15"),
            ImmutableDictionary<ContainerName, CpuSet>.Empty.Add(
                new("default", "virt-launcher-pod1", "compute"),
                CpuSet.Parse(cpus)
            )
        );

    private static CpuManagerObservation CpuManager(string cpus) =>
        new(
            CpuManagerState.Static,
            new CpuManagerCheckpoint(
                "static",
                CpuSet.Parse("0-1"),
                cpus.Length == 0 ? [] : [new ExclusiveCpus("pod1", "compute", CpuSet.Parse(cpus))]
            ),
            []
        );
}
