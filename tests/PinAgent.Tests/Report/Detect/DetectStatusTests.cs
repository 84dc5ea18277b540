using System.Collections.Immutable;
using System.Text.Json;
using PinAgent.Cli.Terminal;
using PinAgent.Model.Cpu;
using PinAgent.Model.Kubernetes;
using PinAgent.Model.Node;
using PinAgent.Report.Cluster;
using PinAgent.Report.Detect;
using PinAgent.Report.Status;
using PinAgent.Tests.Report.Cluster;
using Xunit;

namespace PinAgent.Tests.Report.Detect;

/// <summary>The answers of <c>pinagent detect</c>, for people and for programs: a contract, so they are compared with files.</summary>
public sealed class DetectStatusTests
{
    private static readonly ImmutableArray<string> Keys = LabelSettings.DefaultKeys;

    private static readonly CpuManagerObservation Static = new(
        CpuManagerState.Static,
        new CpuManagerCheckpoint(
            "static",
            CpuSet.Parse("0-1"),
            [
                new("0b1c", "compute", CpuSet.Parse("2-5")),
                new(null, "6f0a", CpuSet.Parse("6-7")),
                new("9d3e", null, CpuSet.Parse("8-9")),
            ]
        ),
        ["cpu_manager_state: policy static", "kubelet.sock: CPUs 1-15 to give out"]
    );

    private static readonly CpuManagerObservation None = new(
        CpuManagerState.None,
        new CpuManagerCheckpoint("none", CpuSet.Empty, []),
        ["cpu_manager_state: policy none"]
    );

    private static readonly DetectClusterStatus Cluster = new(
        "https://10.0.0.1:6443",
        FeatureGate.Off,
        [],
        null,
        ImmutableSortedDictionary<string, LabelStatus>.Empty,
        []
    );

    [Fact]
    public void A_node_whose_CPU_manager_runs()
    {
        var told = new PodResources(
            CpuSet.Parse("1-15"),
            ImmutableDictionary.CreateRange<ContainerName, CpuSet>([
                new(new("default", "virt-launcher-vm1", "compute"), CpuSet.Parse("2-5")),
                new(new("default", "virt-launcher-vm1", "sidecar"), CpuSet.Empty),
                new(new("a", "app\u001b[2J", "app"), CpuSet.Parse("6-7")),
            ])
        );
        var cluster = Cluster with
        {
            Gate = FeatureGate.On,
            GateSources = ["ConfigMap kubevirt/kubevirt-config", "KubeVirt kubevirt/kubevirt"],
        };

        Check(
            "running",
            Static,
            told,
            With(cluster, "cpumanager=true@pinagent! kubevirt.io/cpumanager=false@kubectl", true)
        );
    }

    [Fact]
    public void A_node_that_the_administrator_labels_while_virt_handler_overwrites_it() =>
        Check(
            "gate-off",
            Static,
            null,
            With(Cluster, "cpumanager=false@virt-handler", true, TimeSpan.FromMinutes(1))
        );

    [Fact]
    public void A_node_whose_CPU_manager_doesnt_run() =>
        Check(
            "not-running",
            None,
            null,
            With(
                Cluster with
                {
                    GateSources = ["KubeVirt kubevirt/kubevirt"],
                },
                "cpumanager=true@kubectl",
                false,
                TimeSpan.FromHours(3)
            )
        );

    [Fact]
    public void A_node_of_a_DRA_driver() =>
        Check(
            "dra",
            None with
            {
                State = CpuManagerState.Dra,
                Evidence = ["cpu_manager_state: policy none", "dra.cpu-reg.sock: a DRA driver"],
            },
            null,
            null
        );

    [Fact]
    public void A_machine_without_a_kubelet_and_a_cluster() =>
        Check("unknown", new(CpuManagerState.Unknown, null, ["no kubelet here"]), null, null);

    [Fact]
    public void A_node_whose_cluster_doesnt_answer() =>
        Check(
            "cluster-away",
            Static,
            null,
            DetectClusterStatus.Failed("kubeconfig: expected an address")
        );

    private static DetectClusterStatus With(
        DetectClusterStatus cluster,
        string labels,
        bool isRunning,
        TimeSpan? heartbeat = null
    ) => cluster.With(LabelNode.Read(labels, heartbeat), isRunning, Keys, LabelNode.Now);

    private static void Check(
        string name,
        CpuManagerObservation observation,
        PodResources? told,
        DetectClusterStatus? cluster
    )
    {
        var status = DetectStatus.Of(observation, told, cluster, "node-1", Keys);
        using var text = new StringWriter();
        Output.Write(DetectText.Render(status), text, isPipe: true);
        Golden.Check($"detect/{name}.txt", text.ToString());
        Golden.Check(
            $"detect/{name}.json",
            JsonSerializer.Serialize(status, ReportJsonContext.Readable.DetectStatus)
        );
    }
}
