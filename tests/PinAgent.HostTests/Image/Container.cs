using System.Collections.Concurrent;
using System.Text.Json.Nodes;
using CliWrap;
using CliWrap.Buffered;
using PinAgent.HostTests.Harness;
using Xunit;

namespace PinAgent.HostTests.Image;

/// <summary>
/// The image's agent under runc, with what the DaemonSet gives it. A kubelet's folder of the test's own is in the place of
/// the machine's, and so is <c>/run/pinagent</c>.
/// </summary>
internal sealed class Container : IAsyncDisposable
{
    private const string Checkpoint =
        """{"policyName":"static","defaultCpuSet":"0","entries":{"pod":{"compute":"1"}},"checksum":1}""";

    private readonly string _id = $"pinagent-{Guid.NewGuid():N}";
    private readonly string _folder;
    private readonly ConcurrentQueue<string> _log = new();
    private readonly Task<int> _run;

    private Container(JsonObject pod, string settings, string[] arguments, string[] folders)
    {
        Pod = pod;
        _folder = Directory.CreateTempSubdirectory("pinagent-test-").FullName;
        foreach (var name in new[] { "run", "bundle", "empty", "settings", "kubelet" })
        {
            Directory.CreateDirectory($"{_folder}/{name}");
        }

        File.WriteAllText($"{_folder}/settings/config.yaml", settings);
        WriteForRoot("kubelet/cpu_manager_state", Checkpoint);
        foreach (var name in folders)
        {
            Directory.CreateDirectory($"{_folder}/kubelet/{name}");
            WriteForRoot($"kubelet/{name}/secret", "kind: Secret");
        }

        // As the kubelet does before it starts any of the pod's containers (k8s.io/kubernetes, pkg/volume/hostpath).
        var kubelet = Manifest.HostPathOf(pod, "kubelet")!;
        foreach (var volume in pod["volumes"]!.AsArray())
        {
            if (
                (string?)volume!["hostPath"]?["type"] == "DirectoryOrCreate"
                && (string)volume["hostPath"]!["path"]! is var path
                && path.StartsWith($"{kubelet}/", StringComparison.Ordinal)
            )
            {
                Directory.CreateDirectory($"{_folder}/kubelet{path[kubelet.Length..]}");
            }
        }

        var before = Manifest
            .InitContainersOf(pod)
            .Select(container =>
            {
                WriteBundle(container, []);
                return Runc("run", "--bundle", $"{_folder}/bundle", $"{_id}-init")
                    .WithStandardOutputPipe(PipeTarget.ToDelegate(_log.Enqueue))
                    .WithStandardErrorPipe(PipeTarget.ToDelegate(_log.Enqueue));
            });
        _run = RunAsync(before, arguments);
    }

    private async Task<int> RunAsync(IEnumerable<Command> before, string[] arguments)
    {
        foreach (var container in before)
        {
            var code = (await container.ExecuteAsync()).ExitCode;
            if (code != 0)
            {
                return code;
            }
        }

        WriteBundle(Manifest.ContainerOf(Pod), arguments);
        return (
            await Runc("run", "--bundle", $"{_folder}/bundle", _id)
                .WithStandardOutputPipe(PipeTarget.ToDelegate(_log.Enqueue))
                .WithStandardErrorPipe(PipeTarget.ToDelegate(_log.Enqueue))
                .ExecuteAsync()
        ).ExitCode;
    }

    private void WriteBundle(JsonObject container, string[] arguments)
    {
        var kubelet = Manifest.HostPathOf(Pod, "kubelet")!;
        var hostPaths = Secrets.ToDictionary(
            name => $"{kubelet}/{name}",
            name => $"{_folder}/kubelet/{name}",
            StringComparer.Ordinal
        );
        hostPaths[kubelet] = $"{_folder}/kubelet";
        hostPaths["/run/pinagent"] = $"{_folder}/run";
        File.WriteAllText(
            $"{_folder}/bundle/config.json",
            Bundle
                .Of(
                    Pod,
                    container,
                    Root,
                    Seccomp,
                    hostPaths,
                    $"{_folder}/empty",
                    $"{_folder}/settings",
                    arguments
                )
                .ToJsonString()
        );
    }

    /// <summary>Folders of the kubelet's that have files which aren't the agent's business.</summary>
    public static string[] Secrets { get; } = ["pods", "plugins", "pki"];

    /// <summary>The archive that deploy/image/build.sh made.</summary>
    public static string Archive => Variable("ARCHIVE")!;

    /// <summary>The unpacked image.</summary>
    public static string Root => Variable("ROOT")!;

    /// <summary>The pod's spec.</summary>
    public JsonObject Pod { get; }

    /// <summary>The agent's Unix socket, as the host sees it.</summary>
    public string Socket => $"{_folder}/run/pinagent.sock";

    private static string Seccomp => Variable("SECCOMP")!;

    /// <summary>Skips the test where there's no image.</summary>
    public static void Require() =>
        Assert.SkipUnless(Variable("ROOT") is not null, "needs the image: tests/lanes/image.sh");

    /// <summary>Starts the agent and waits until it's alive, as a kubelet's probe says it.</summary>
    /// <param name="guest">The guest's name.</param>
    /// <param name="change">Changes the pod's spec before.</param>
    /// <param name="folder">The kustomization, in the repository.</param>
    /// <param name="folders">Which folders with secrets the kubelet has; null for all.</param>
    public static async Task<Container> StartAsync(
        string guest,
        Action<JsonObject>? change = null,
        string folder = "deploy/base",
        string[]? folders = null
    )
    {
        var (pod, settings) = await Manifest.PodAsync(folder);
        change?.Invoke(pod);
        var container = new Container(
            pod,
            settings,
            ["--standalone", "--vm", guest],
            folders ?? Secrets
        );
        try
        {
            await container.WaitAsync();
            return container;
        }
        catch
        {
            await container.DisposeAsync();
            throw;
        }
    }

    /// <summary>Runs a program in the container, as the kubelet's exec probes do.</summary>
    public async Task<BufferedCommandResult> ExecAsync(params string[] arguments) =>
        await Runc(["exec", _id, .. arguments])
            .ExecuteBufferedAsync(TestContext.Current.CancellationToken);

    /// <summary>Runs a probe of the manifest.</summary>
    public Task<BufferedCommandResult> ProbeAsync(string name) =>
        ExecAsync([
            .. Manifest.ContainerOf(Pod)[name]!["exec"]!["command"]!
                .AsArray()
                .Select(word => (string)word!),
        ]);

    /// <summary>The agent's status, over the socket in the container.</summary>
    public async Task<Status> StatusAsync() =>
        new(JsonNode.Parse((await ExecAsync("pinagent", "status", "-o", "json")).StandardOutput)!);

    /// <summary>The agent's process.</summary>
    public async Task<int> PidAsync() =>
        (int)
            JsonNode.Parse((await Runc("state", _id).ExecuteBufferedAsync()).StandardOutput)![
                "pid"
            ]!;

    /// <summary>Asks the agent to end, as a kubelet does, and returns its exit code.</summary>
    public async Task<int> StopAsync()
    {
        await Runc("kill", _id, "TERM").ExecuteAsync();
        return await _run.WaitAsync(TestContext.Current.CancellationToken);
    }

    /// <summary>What the agent has logged.</summary>
    public string Log => string.Join('\n', _log);

    public async ValueTask DisposeAsync()
    {
        await Runc("delete", "--force", _id).ExecuteAsync();
        await _run;
        Directory.Delete(_folder, recursive: true);
    }

    private static Command Runc(params string[] arguments) =>
        Cli.Wrap("runc").WithArguments(arguments).WithValidation(CommandResultValidation.None);

    private static string? Variable(string name) =>
        Environment.GetEnvironmentVariable($"PINAGENT_TEST_IMAGE_{name}");

    // As the kubelet writes such files.
    private void WriteForRoot(string name, string content)
    {
        File.WriteAllText($"{_folder}/{name}", content);
        File.SetUnixFileMode($"{_folder}/{name}", UnixFileMode.UserRead | UnixFileMode.UserWrite);
    }

    // Its log tells of the first pass and of the socket, be there one or not.
    private async Task WaitAsync()
    {
        while (
            !Array.TrueForAll(
                ["looking every", "pinagent.sock"],
                text => Log.Contains(text, StringComparison.Ordinal)
            )
        )
        {
            Assert.False(_run.IsCompleted, $"The container has ended: {Log}");
            await Task.Delay(50, TestContext.Current.CancellationToken);
        }
    }
}
