using System.Globalization;
using System.Net.Sockets;
using System.Text.Json.Nodes;
using CliWrap;
using CliWrap.Buffered;
using PinAgent.HostTests.Harness;
using Xunit;

namespace PinAgent.HostTests.Cluster;

/// <summary><c>pinagent detect</c> as an administrator calls it, and a kubelet that contradicts or hangs.</summary>
public sealed class DetectTests : IDisposable
{
    private const int Timeout = Patience.Hang;
    private const string Cluster = "cluster";

    private readonly string _kubelet = Directory.CreateTempSubdirectory("kubelet-").FullName;

    public void Dispose() => Directory.Delete(_kubelet, recursive: true);

    [Fact(Timeout = Timeout)]
    public async Task Without_a_cluster_nothing_is_said_of_one()
    {
        Checkpoint("static");
        var result = await Cli.Wrap("env")
            .WithArguments([
                "--unset=KUBECONFIG",
                "--unset=PINAGENT_KUBECONFIG",
                $"HOME={_kubelet}",
                Paths.Agent,
                "detect",
                "--kubelet-root",
                _kubelet,
            ])
            .ExecuteBufferedAsync(TestContext.Current.CancellationToken);

        Assert.StartsWith("CPU manager: running", result.StandardOutput, StringComparison.Ordinal);
        Assert.DoesNotContain("Cluster", result.StandardOutput, StringComparison.Ordinal);
    }

    [Fact(Timeout = Timeout)]
    public async Task A_cluster_that_is_away_is_told_of_and_changes_no_answer()
    {
        Checkpoint("none");
        var config = Path.Combine(_kubelet, "kubeconfig");
        await File.WriteAllTextAsync(
            config,
            """
            apiVersion: v1
            kind: Config
            clusters: [{name: c, cluster: {server: "http://127.0.0.1:1"}}]
            contexts: [{name: c, context: {cluster: c, user: u}}]
            users: [{name: u, user: {token: t}}]
            current-context: c
            """,
            TestContext.Current.CancellationToken
        );

        var (exit, status) = await DetectAsync("--kubeconfig", config);

        Assert.Equal(1, exit);
        Assert.Equal("unknown", (string?)status["cluster"]!["gate"]);
        Assert.Contains(
            "Connection refused",
            (string?)Assert.Single(status["cluster"]!["problems"]!.AsArray()),
            StringComparison.Ordinal
        );
        Assert.EndsWith("cpumanager-", (string?)status["labelCommand"], StringComparison.Ordinal);
    }

    [Fact(Timeout = Timeout)]
    public async Task A_kubelet_that_hangs_is_not_waited_for()
    {
        Checkpoint("static");
        using var kubelet = Hang();

        var (exit, status) = await DetectAsync();

        Assert.Equal(0, exit);
        Assert.Contains(
            "kubelet.sock: no answer within 2 s",
            (string?)status["evidence"]!.AsArray()[^1],
            StringComparison.Ordinal
        );
    }

    [Fact(Timeout = Timeout)]
    [Trait("lane", Cluster)]
    public async Task A_gate_that_is_on_is_told_with_its_ConfigMap()
    {
        ControlPlane.Require();
        await ControlPlane.SetGatesAsync("Sidecar,CPUManager");
        // First none, so that whoever had set it before isn't its owner any more.
        await LabelAsync("cpumanager-", "kubevirt.io/cpumanager-");
        await LabelAsync("cpumanager=false");
        Checkpoint("static");

        var (exit, status) = await DetectInClusterAsync();

        Assert.Equal(0, exit);
        var cluster = status["cluster"]!;
        Assert.Equal("on", (string?)cluster["gate"]);
        Assert.Equal(
            ["ConfigMap kubevirt/kubevirt-config"],
            cluster["gateSources"]!.AsArray().Select(source => (string?)source)
        );
        Assert.Empty(cluster["problems"]!.AsArray());
        var label = cluster["labels"]!["cpumanager"]!;
        Assert.Equal(("true", "false"), ((string?)label["wanted"], (string?)label["actual"]));
        Assert.StartsWith("kubectl", (string?)label["owner"], StringComparison.Ordinal);
        Assert.Null(status["labelCommand"]);
    }

    [Fact(Timeout = Timeout)]
    [Trait("lane", Cluster)]
    public async Task Where_the_gate_is_off_the_administrator_is_told_what_to_type_and_that_virt_handler_will_undo_it()
    {
        ControlPlane.Require();
        await ControlPlane.SetGatesAsync("Sidecar");
        Checkpoint("static");
        await HeartbeatAsync(
            $"={TimeProvider.System.GetUtcNow().ToString("yyyy-MM-ddTHH:mm:ssZ", CultureInfo.InvariantCulture)}"
        );
        try
        {
            var (_, status) = await DetectInClusterAsync();

            Assert.Equal("off", (string?)status["cluster"]!["gate"]);
            Assert.True((bool)status["cluster"]!["virtHandler"]!["alive"]!);
            Assert.Equal(
                "kubectl label node node1 --overwrite cpumanager=true kubevirt.io/cpumanager=true",
                (string?)status["labelCommand"]
            );
        }
        finally
        {
            await HeartbeatAsync("-");
        }
    }

    [Fact(Timeout = Timeout)]
    [Trait("lane", Cluster)]
    public async Task A_VM_whose_checkpoint_contradicts_its_cgroup_shows_it_and_is_pinned_by_the_cgroup()
    {
        ControlPlane.Require();
        Requires.RealGuests(cpus: 2);
        var name = $"vm-{Guid.NewGuid():N}";
        var vmi = await ControlPlane.CreateVmiAsync(
            name,
            "dedicatedCpuPlacement: true, isolateEmulatorThread: true, cores: 1"
        );
        var pod = await ControlPlane.CreatePodAsync(name, vmi);
        using var cpuset = new Cpuset(Cpuset.PodPath(pod, Cpuset.NewContainerId()), "0-1");
        await using var guest = await Guest.StartAsync($"default_{name}", "1", cpuset);
        Checkpoint("static", $$$"""{"{{{pod}}}":{"compute":"0"} }""");
        using var kubelet = Hang();

        await using var agent = AgentLoop.InCluster([
            "--kubelet-root",
            _kubelet,
            .. ControlPlane.JoinArguments(_kubelet),
        ]);
        await agent.WaitForLogsAsync("Node ", "pinagent.sock");
        await using var watcher = new StatusWatcher(agent.Socket);

        // Once it has lasted.
        await watcher.WaitAsync(status =>
            status.Vm(guest).State == "Pinned"
            && status.Json["violations"]!
                .AsArray()
                .Any(violation =>
                    (string)violation!["kind"]! == "disagreement"
                    && ((string)violation["message"]!).Contains(
                        "cgroup 0-1, PodResources API unknown, checkpoint 0;",
                        StringComparison.Ordinal
                    )
                )
        );
    }

    private Task<(int Exit, JsonNode Status)> DetectInClusterAsync() =>
        DetectAsync([.. ControlPlane.JoinArguments(_kubelet)[..4]]);

    private async Task<(int Exit, JsonNode Status)> DetectAsync(params string[] arguments)
    {
        var result = await Agent.RunAsync([
            "detect",
            "-o",
            "json",
            "--kubelet-root",
            _kubelet,
            .. arguments,
        ]);
        Assert.True(result.StandardOutput.Length > 0, result.StandardError);
        return (result.ExitCode, JsonNode.Parse(result.StandardOutput)!);
    }

    private void Checkpoint(string policy, string entries = "{}") =>
        File.WriteAllText(
            Path.Combine(_kubelet, "cpu_manager_state"),
            $$"""{"policyName":"{{policy}}","defaultCpuSet":"","entries":{{entries}},"checksum":1}"""
        );

    // Connections are accepted by the kernel, and by nobody else.
    private Socket Hang()
    {
        var folder = Directory.CreateDirectory(Path.Combine(_kubelet, "pod-resources"));
        var listener = new Socket(AddressFamily.Unix, SocketType.Stream, 0);
        listener.Bind(new UnixDomainSocketEndPoint(Path.Combine(folder.FullName, "kubelet.sock")));
        listener.Listen();
        return listener;
    }

    private static Task<string> LabelAsync(params string[] labels) =>
        ControlPlane.KubectlAsync(["label", "node", "node1", "--overwrite", .. labels]);

    private static Task<string> HeartbeatAsync(string value) =>
        ControlPlane.KubectlAsync(
            "annotate",
            "node",
            "node1",
            "--overwrite",
            $"kubevirt.io/heartbeat{value}"
        );
}
