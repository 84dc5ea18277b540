using System.Text.Json.Nodes;
using CliWrap;
using CliWrap.Buffered;
using PinAgent.HostTests.Harness;
using Xunit;

namespace PinAgent.HostTests.Cluster;

/// <summary>The ways into a cluster, each taken to a real API server.</summary>
[Trait("lane", "cluster")]
public sealed class JoinTests : IDisposable
{
    private const int Timeout = Patience.Hang;

    private readonly string _folder = Directory.CreateTempSubdirectory("pinagent-join-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact(Timeout = Timeout)]
    public async Task In_a_pod_the_service_account_is_used()
    {
        ControlPlane.Require();
        Requires.Program("unshare");

        // The pod's files are always in the same place, so the agent gets a /run of its own.
        const string Script = """
            mount -t tmpfs tmpfs /run
            account=/run/secrets/kubernetes.io/serviceaccount
            mkdir -p $account
            cp "$DIR/agent.token" $account/token
            cp "$DIR/pki/ca.crt" $account/ca.crt
            echo pinagent >$account/namespace
            exec "$@"
            """;
        var server = ControlPlane.Server;
        var result = await RunAsync(
            Cli.Wrap("unshare")
                .WithArguments(["--mount", "sh", "-euc", Script, "sh", Paths.Agent, .. Arguments()])
                .WithEnvironmentVariables(variables =>
                    variables
                        .Set("DIR", ControlPlane.Folder)
                        .Set("HOME", "/nowhere")
                        .Set("KUBERNETES_SERVICE_HOST", server.Host)
                        .Set("KUBERNETES_SERVICE_PORT", $"{server.Port}")
                )
        );

        AssertSynced(result);
    }

    [Fact(Timeout = Timeout)]
    public async Task The_variable_KUBECONFIG_is_used()
    {
        ControlPlane.Require();
        var result = await RunAsync(
            Cli.Wrap(Paths.Agent)
                .WithArguments(Arguments())
                .WithEnvironmentVariables(variables =>
                    variables.Set("KUBECONFIG", $"{ControlPlane.Folder}/agent.kubeconfig")
                )
        );

        AssertSynced(result);
    }

    [Fact(Timeout = Timeout)]
    public async Task A_program_that_brings_the_credentials_is_asked()
    {
        ControlPlane.Require();
        var plugin = Path.Combine(_folder, "plugin");
        await File.WriteAllTextAsync(
            plugin,
            $$$$"""
            #!/bin/sh
            token=$(cat {{{{ControlPlane.Folder}}}}/agent.token)
            echo '{"apiVersion":"client.authentication.k8s.io/v1beta1","kind":"ExecCredential","status":{"token":"'$token'"}}'
            """,
            TestContext.Current.CancellationToken
        );
        File.SetUnixFileMode(plugin, (UnixFileMode)0b111_101_101);
        var config = await WithAsync(
            "exec.kubeconfig",
            lines =>
                lines.Select(line =>
                    line.Contains("token:", StringComparison.Ordinal)
                        ? $"      exec: {{apiVersion: client.authentication.k8s.io/v1beta1, command: {plugin}}}"
                        : line
                )
        );

        AssertSynced(
            await RunAsync(
                Cli.Wrap(Paths.Agent).WithArguments([.. Arguments(), "--kubeconfig", config])
            )
        );
    }

    [Fact(Timeout = Timeout)]
    public async Task A_server_that_isnt_the_one_the_authority_vouches_for_is_not_talked_to()
    {
        ControlPlane.Require();
        Requires.Program("openssl");
        await Cli.Wrap("openssl")
            .WithArguments([
                "req",
                "-x509",
                "-newkey",
                "rsa:2048",
                "-nodes",
                "-subj",
                "/CN=another",
                "-days",
                "1",
                "-keyout",
                $"{_folder}/ca.key",
                "-out",
                $"{_folder}/ca.crt",
            ])
            .ExecuteBufferedAsync(TestContext.Current.CancellationToken);
        var config = await WithAsync(
            "other.kubeconfig",
            lines =>
                lines.Select(line =>
                    line.Contains("certificate-authority-data:", StringComparison.Ordinal)
                        ? $"      certificate-authority: {_folder}/ca.crt"
                        : line
                )
        );

        var result = await RunAsync(
            Cli.Wrap(Paths.Agent).WithArguments([.. Arguments(), "--kubeconfig", config])
        );

        Assert.Equal(0, result.ExitCode);
        var status = JsonNode.Parse(result.StandardOutput)!;
        Assert.Equal("neverSynced", (string?)status["cluster"]!["state"]);
        Assert.Contains(
            "no TLS connection",
            (string)status["notices"]![0]!,
            StringComparison.Ordinal
        );
    }

    [Theory(Timeout = Timeout)]
    [InlineData("", "expected a kubeconfig")]
    [InlineData("users: [", "expected a kubeconfig")]
    public async Task A_kubeconfig_that_isnt_one_is_said_in_one_line(
        string content,
        string expected
    )
    {
        ControlPlane.Require();
        var config = Path.Combine(_folder, "broken.kubeconfig");
        await File.WriteAllTextAsync(config, content, TestContext.Current.CancellationToken);

        var result = await RunAsync(
            Cli.Wrap(Paths.Agent).WithArguments([.. Arguments(), "--kubeconfig", config])
        );

        Assert.Equal(3, result.ExitCode);
        var line = Assert.Single(result.StandardError.TrimEnd().Split('\n'));
        Assert.Contains($"--kubeconfig {config}: {expected}", line, StringComparison.Ordinal);
    }

    private string[] Arguments() =>
        [
            "run",
            "--once",
            "-o",
            "json",
            "--node-name",
            "node1",
            "--mode",
            "audit",
            "--state-dir",
            _folder,
        ];

    private static async Task<BufferedCommandResult> RunAsync(Command command) =>
        await command
            .WithValidation(CommandResultValidation.None)
            .ExecuteBufferedAsync(TestContext.Current.CancellationToken);

    private static void AssertSynced(BufferedCommandResult result)
    {
        Assert.True(result.ExitCode == 0, $"exit {result.ExitCode}: {result.StandardError}");
        Assert.Equal(
            "synced",
            (string?)JsonNode.Parse(result.StandardOutput)!["cluster"]!["state"]
        );
    }

    // The agent's kubeconfig with other lines.
    private async Task<string> WithAsync(
        string name,
        Func<IEnumerable<string>, IEnumerable<string>> change
    )
    {
        var path = Path.Combine(_folder, name);
        var lines = await File.ReadAllLinesAsync(
            $"{ControlPlane.Folder}/agent.kubeconfig",
            TestContext.Current.CancellationToken
        );
        await File.WriteAllLinesAsync(path, change(lines), TestContext.Current.CancellationToken);
        return path;
    }
}
