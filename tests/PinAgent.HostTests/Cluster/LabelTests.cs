using System.Text.Json.Nodes;
using PinAgent.HostTests.Harness;
using Xunit;

namespace PinAgent.HostTests.Cluster;

/// <summary>
/// The node's labels at a real API server, with the rights of <c>deploy/base/rbac.yaml</c>:
/// <c>tests/lanes/control-plane.sh run -- …</c>.
/// </summary>
[Trait("lane", "cluster")]
public sealed class LabelTests : IAsyncLifetime
{
    private const int Timeout = Patience.Hang;
    private const string Ours = "cpumanager=true kubevirt.io/cpumanager=true";

    private readonly string _kubelet = Directory.CreateTempSubdirectory("pinagent-").FullName;
    private AgentLoop? _agent;

    public async ValueTask InitializeAsync()
    {
        ControlPlane.Require();
        await ControlPlane.SetGatesAsync("CPUManager");
        await RemoveAsync();
        await ControlPlane.KubectlAsync("annotate", "node", "node1", "kubevirt.io/heartbeat-");
    }

    public async ValueTask DisposeAsync()
    {
        if (_agent is not null)
        {
            await _agent.DisposeAsync();
        }

        Directory.Delete(_kubelet, recursive: true);
    }

    [Fact(Timeout = Timeout)]
    public async Task They_follow_the_checkpoint_and_stay_when_the_agent_stops()
    {
        Checkpoint("static");
        Start();
        await UntilAsync(Ours);

        Checkpoint("none");
        await UntilAsync("");

        Checkpoint("static");
        await UntilAsync(Ours);
        await _agent!.StopAsync("TERM");
        await UntilAsync(Ours);
    }

    [Fact(Timeout = Timeout)]
    public async Task They_follow_the_feature_gate()
    {
        await ControlPlane.SetGatesAsync("Sidecar");
        Checkpoint("static");
        Start();
        await _agent!.WaitForLogAsync("the labels are the administrator's");
        await UntilAsync("");

        await ControlPlane.SetGatesAsync("Sidecar, CPUManager");
        await UntilAsync(Ours);

        await ControlPlane.SetGatesAsync("Sidecar");
        await UntilAsync("");
    }

    [Fact(Timeout = Timeout)]
    public async Task An_administrators_label_survives()
    {
        await ControlPlane.KubectlAsync("label", "node", "node1", "cpumanager=false");
        Checkpoint("static");
        Start();
        await UntilAsync("cpumanager=false kubevirt.io/cpumanager=true");

        await ControlPlane.KubectlAsync("label", "node", "node1", "--overwrite", "cpumanager=true");
        Checkpoint("none");
        await UntilAsync("cpumanager=true");
    }

    [Fact(Timeout = Timeout)]
    public async Task Beside_a_virt_handler_that_rewrites_them_nothing_is_written()
    {
        const string Theirs = "cpumanager=false kubevirt.io/cpumanager=false";
        await BeatAsync(TimeProvider.System.GetUtcNow());
        var before = ControlPlane.NodeWrites();
        Checkpoint("static");
        Start();
        await _agent!.WaitForLogAsync("virt-handler is alive and sets the labels: wrong: ");
        for (var beat = 0; beat < 5; beat++)
        {
            await BeatAsync(TimeProvider.System.GetUtcNow());
            Assert.Equal(Theirs, await LabelsAsync());
        }

        // It's gone, and what it owned stays: said, and not fought over.
        await BeatAsync(TimeProvider.System.GetUtcNow() - TimeSpan.FromMinutes(6));
        await _agent.WaitForLogAsync("others own what's wrong and it's left to them");
        Assert.Equal(Theirs, await LabelsAsync());
        Assert.Equal(before, ControlPlane.NodeWrites());

        // Until somebody removes them.
        await RemoveAsync();
        await UntilAsync(Ours);
    }

    // As virt-handler's heartbeat patches its node.
    private static Task<string> BeatAsync(DateTimeOffset time) =>
        ControlPlane.KubectlAsync(
            "patch",
            "node",
            "node1",
            "--type=merge",
            "--field-manager=virt-handler",
            "-p",
            $$$$"""
            {"metadata":{"annotations":{"kubevirt.io/heartbeat":"{{{{time.UtcDateTime:yyyy-MM-ddTHH:mm:ssZ}}}}"},
             "labels":{"cpumanager":"false","kubevirt.io/cpumanager":"false"}}}
            """
        );

    private static Task<string> RemoveAsync() =>
        ControlPlane.KubectlAsync(
            "label",
            "node",
            "node1",
            "cpumanager-",
            "kubevirt.io/cpumanager-"
        );

    private void Start() =>
        _agent = AgentLoop.InCluster([
            .. ControlPlane.JoinArguments(_kubelet),
            "--kubelet-root",
            _kubelet,
            "--mode",
            "audit",
        ]);

    // As the kubelet does, by rename.
    private void Checkpoint(string policy)
    {
        var file = Path.Combine(_kubelet, "cpu_manager_state");
        File.WriteAllText(
            file + ".new",
            $$"""{"policyName":"{{policy}}","defaultCpuSet":"0","checksum":1}"""
        );
        File.Move(file + ".new", file, overwrite: true);
    }

    private static async Task UntilAsync(string expected)
    {
        while (await LabelsAsync() is var labels && labels != expected)
        {
            TestContext.Current.SendDiagnosticMessage("labels: {0}", labels);
            await Task.Delay(200, TestContext.Current.CancellationToken);
        }
    }

    private static async Task<string> LabelsAsync() =>
        ControlPlane.LabelsOf(
            JsonNode.Parse(await ControlPlane.KubectlAsync("get", "node", "node1", "-o", "json"))!
        );
}
