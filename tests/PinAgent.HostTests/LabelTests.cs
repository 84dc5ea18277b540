using System.Text.Json.Nodes;
using CliWrap;
using CliWrap.Buffered;
using Xunit;

namespace PinAgent.HostTests;

/// <summary>
/// The node's labels at a real API server, with the rights of <c>deploy/base/rbac.yaml</c>:
/// <c>tests/lanes/control-plane.sh run -- …</c>.
/// </summary>
[Trait("lane", "cluster")]
public sealed class LabelTests : IAsyncLifetime
{
    private const int Timeout = 120_000;
    private const string Ours = "cpumanager=true kubevirt.io/cpumanager=true";

    private readonly string _kubelet = Directory.CreateTempSubdirectory("pinagent-").FullName;
    private readonly CancellationTokenSource _stop = new();
    private Task? _agent;

    public async ValueTask InitializeAsync()
    {
        Assert.SkipUnless(
            Variable("ADMIN_KUBECONFIG") is not null && Variable("AGENT_KUBECONFIG") is not null,
            "needs PINAGENT_TEST_ADMIN_KUBECONFIG: run it through tests/lanes/control-plane.sh"
        );
        await GateAsync("CPUManager");
        await KubectlAsync("label", "node", "node1", "cpumanager-", "kubevirt.io/cpumanager-");
    }

    public async ValueTask DisposeAsync()
    {
        await StopAsync();
        _stop.Dispose();
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
        await StopAsync();
        await UntilAsync(Ours);
    }

    [Fact(Timeout = Timeout)]
    public async Task They_follow_the_feature_gate()
    {
        await GateAsync("Sidecar");
        Checkpoint("static");
        Start();
        await Task.Delay(3000, TestContext.Current.CancellationToken);
        await UntilAsync("");

        await GateAsync("Sidecar, CPUManager");
        await UntilAsync(Ours);

        await GateAsync("Sidecar");
        await UntilAsync("");
    }

    [Fact(Timeout = Timeout)]
    public async Task An_administrators_label_survives()
    {
        await KubectlAsync("label", "node", "node1", "cpumanager=false");
        Checkpoint("static");
        Start();
        await UntilAsync("cpumanager=false kubevirt.io/cpumanager=true");

        await KubectlAsync("label", "node", "node1", "--overwrite", "cpumanager=true");
        Checkpoint("none");
        await UntilAsync("cpumanager=true");
    }

    private void Start() =>
        _agent = Cli.Wrap(Paths.Agent)
            .WithArguments([
                "run",
                "--kubeconfig",
                Variable("AGENT_KUBECONFIG")!,
                "--node-name",
                "node1",
                "--kubelet-root",
                _kubelet,
                "--state-dir",
                _kubelet,
                "--mode",
                "audit",
            ])
            .WithValidation(CommandResultValidation.None)
            .ExecuteAsync(CancellationToken.None, _stop.Token)
            .Task;

    private async Task StopAsync()
    {
        if (_agent is { } agent)
        {
            await _stop.CancelAsync();
            try
            {
                await agent;
            }
            catch (OperationCanceledException)
            {
                // As asked.
            }

            _agent = null;
        }
    }

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

    private static async Task GateAsync(string gates)
    {
        const string Name = "kubevirt-config";
        await KubectlAsync(
            "--namespace=kubevirt",
            "delete",
            "configmap",
            Name,
            "--ignore-not-found"
        );
        await KubectlAsync(
            "--namespace=kubevirt",
            "create",
            "configmap",
            Name,
            $"--from-literal=feature-gates={gates}"
        );
    }

    private static async Task UntilAsync(string expected)
    {
        while (await LabelsAsync() is var labels && labels != expected)
        {
            TestContext.Current.SendDiagnosticMessage("labels: {0}", labels);
            await Task.Delay(200, TestContext.Current.CancellationToken);
        }
    }

    private static async Task<string> LabelsAsync()
    {
        var node = JsonNode.Parse(await KubectlAsync("get", "node", "node1", "-o", "json"))!;
        return string.Join(
            ' ',
            node["metadata"]!["labels"]!
                .AsObject()
                .Where(label => label.Key.EndsWith("cpumanager", StringComparison.Ordinal))
                .Select(label => $"{label.Key}={label.Value}")
                .Order(StringComparer.Ordinal)
        );
    }

    private static async Task<string> KubectlAsync(params string[] arguments)
    {
        var result = await Cli.Wrap(Path.Combine(Variable("CONTROL_PLANE_DIR")!, "bin", "kubectl"))
            .WithArguments(["--kubeconfig", Variable("ADMIN_KUBECONFIG")!, .. arguments])
            .ExecuteBufferedAsync(TestContext.Current.CancellationToken);
        return result.StandardOutput;
    }

    private static string? Variable(string name) =>
        Environment.GetEnvironmentVariable($"PINAGENT_TEST_{name}") is { Length: > 0 } value
            ? value
            : null;
}
