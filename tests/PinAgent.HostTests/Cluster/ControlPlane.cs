using System.Text.Json.Nodes;
using CliWrap;
using CliWrap.Buffered;
using Xunit;

namespace PinAgent.HostTests.Cluster;

/// <summary>The real API server of tests/lanes/control-plane.sh, and the objects a test makes there.</summary>
internal static class ControlPlane
{
    private static readonly string? Directory = Variable("CONTROL_PLANE_DIR");
    private static readonly string? Admin = Variable("ADMIN_KUBECONFIG");
    private static readonly string? Agent = Variable("AGENT_KUBECONFIG");
    private static readonly string? AuditLog = Variable("AUDIT_LOG");

    /// <summary>The control plane's files: see the script's help.</summary>
    public static string Folder => Directory!;

    /// <summary>How an administrator reaches it.</summary>
    public static string AdminKubeConfig => Admin!;

    /// <summary>The API server's address.</summary>
    public static Uri Server =>
        new($"https://127.0.0.1:{File.ReadAllText($"{Directory}/port").Trim()}");

    /// <summary>What makes an agent join as node1, with a memory of its own.</summary>
    public static string[] JoinArguments(string stateDir) =>
        ["--kubeconfig", Agent!, "--node-name", "node1", "--state-dir", stateDir];

    /// <summary>Skips the test where there is no API server.</summary>
    public static void Require() =>
        Assert.SkipUnless(
            Directory is not null && Admin is not null && Agent is not null && AuditLog is not null,
            "needs an API server: tests/lanes/control-plane.sh run -- …"
        );

    /// <summary>Creates an object from YAML and returns its uid.</summary>
    public static async Task<string> CreateAsync(string yaml) =>
        (string)
            JsonNode.Parse(await FeedKubectlAsync(yaml, "create", "-f", "-", "-o", "json"))![
                "metadata"
            ]!["uid"]!;

    /// <summary>Calls kubectl as the administrator.</summary>
    public static Task<string> KubectlAsync(params string[] arguments) =>
        FeedKubectlAsync("", arguments);

    /// <summary>A token of a service account that is made for it, and may do what anybody may.</summary>
    public static async Task<string> CreateTokenAsync(string account)
    {
        await KubectlAsync("create", "serviceaccount", account, "-n", "default");
        var answer = await FeedKubectlAsync(
            """{"apiVersion":"authentication.k8s.io/v1","kind":"TokenRequest","spec":{"expirationSeconds":3600}}""",
            "create",
            "--raw",
            $"/api/v1/namespaces/default/serviceaccounts/{account}/token",
            "-f",
            "-"
        );
        return (string)JsonNode.Parse(answer)!["status"]!["token"]!;
    }

    /// <summary>Waits until a service account has a right, as kubectl lists it: what was granted takes effect a moment later.</summary>
    public static async Task GrantedAsync(string account, string right)
    {
        while (
            !(
                await KubectlAsync([
                    "auth",
                    "can-i",
                    "--list",
                    "--as",
                    $"system:serviceaccount:{account}",
                    "--as-group",
                    "system:authenticated",
                ])
            ).Contains(right, StringComparison.Ordinal)
        )
        {
            await Task.Delay(100, TestContext.Current.CancellationToken);
        }
    }

    /// <summary>KubeVirt's feature gates, as its ConfigMap has them.</summary>
    public static async Task SetGatesAsync(string gates)
    {
        const string Name = "kubevirt-config";
        await KubectlAsync(["-n", "kubevirt", "delete", "configmap", Name, "--ignore-not-found"]);
        await KubectlAsync([
            "-n",
            "kubevirt",
            "create",
            "configmap",
            Name,
            $"--from-literal=feature-gates={gates}",
        ]);
    }

    /// <summary>The labels of a node that say whether the CPU manager runs: <c>key=value</c>, sorted.</summary>
    public static string LabelsOf(JsonNode node) =>
        string.Join(
            ' ',
            node["metadata"]!["labels"]!
                .AsObject()
                .Where(label => label.Key.EndsWith("cpumanager", StringComparison.Ordinal))
                .Select(label => $"{label.Key}={label.Value}")
                .Order(StringComparer.Ordinal)
        );

    /// <summary>A VMI on node1 with this <c>spec.domain.cpu</c>.</summary>
    public static Task<string> CreateVmiAsync(string name, string cpu) =>
        CreateAsync(Vmi(name, $"cpu: {{ {cpu} }}, memory: {{guest: 64Mi}}"));

    /// <summary>The YAML of a VMI on node1.</summary>
    public static string Vmi(string name, string domain, string version = "v1") =>
        $$$"""
            apiVersion: kubevirt.io/{{{version}}}
            kind: VirtualMachineInstance
            metadata: {name: "{{{name}}}", namespace: default, labels: {kubevirt.io/nodeName: node1}}
            spec: {domain: { {{{domain}}} } }
            status: {nodeName: node1, phase: Running}
            """;

    /// <summary>The events about an object: <c>Kind Reason: note</c>, with the count if there is one.</summary>
    public static async Task<IReadOnlyList<string>> EventsAsync(string name)
    {
        var list = JsonNode.Parse(
            await KubectlAsync("get", "events.v1.events.k8s.io", "-n", "default", "-o", "json")
        )!;
        return
        [
            .. list["items"]!
                .AsArray()
                .Where(item => ((string)item!["regarding"]!["name"]!).Contains(name, default))
                .Select(item => $"{item!["regarding"]!["kind"]} {item["reason"]}: {item["note"]}"),
        ];
    }

    /// <summary>Waits until there are so many events about an object.</summary>
    public static async Task<IReadOnlyList<string>> EventsAsync(string name, int count)
    {
        IReadOnlyList<string> events;
        while ((events = await EventsAsync(name)).Count < count)
        {
            await Task.Delay(100, TestContext.Current.CancellationToken);
        }

        return events;
    }

    /// <summary>A launcher pod on a node; its VMI needn't exist yet.</summary>
    public static Task<string> CreatePodAsync(string name, string vmiUid, string node = "node1") =>
        CreateAsync(
            $$$"""
            apiVersion: v1
            kind: Pod
            metadata:
              name: virt-launcher-{{{name}}}
              namespace: default
              labels: {kubevirt.io: virt-launcher}
              ownerReferences:
                - {apiVersion: kubevirt.io/v1, kind: VirtualMachineInstance, name: "{{{name}}}", uid: "{{{vmiUid}}}", controller: true}
            spec:
              nodeName: {{{node}}}
              containers: [{name: compute, image: none, resources: {limits: {cpu: "2", memory: 64Mi} } }]
            """
        );

    /// <summary>Many pods of another node.</summary>
    public static Task CreateForeignPodsAsync(string name, int count) =>
        FeedKubectlAsync(
            string.Concat(
                Enumerable
                    .Range(0, count)
                    .Select(i =>
                        $$"""
                            ---
                            apiVersion: v1
                            kind: Pod
                            metadata: {name: "{{name}}-{{i}}", namespace: default}
                            spec: {nodeName: node2, containers: [{name: main, image: none}]}

                            """
                    )
            ),
            "create",
            "-f",
            "-"
        );

    /// <summary>Stops or starts the API server.</summary>
    public static async Task ControlAsync(string command) =>
        await Cli.Wrap(Variable("CONTROL_PLANE")!)
            .WithArguments([command, "--dir", Directory!])
            .ExecuteBufferedAsync(TestContext.Current.CancellationToken);

    /// <summary>The agent's writes to the node so far.</summary>
    public static int NodeWrites() => AgentRequests().Count(request => request == "patch nodes");

    /// <summary>The agent's requests so far, in order: a verb and a resource each. Open watches are among them.</summary>
    public static List<string> AgentRequests()
    {
        using var log = new FileStream(
            AuditLog!,
            FileMode.Open,
            FileAccess.Read,
            FileShare.ReadWrite
        );
        using var reader = new StreamReader(log);
        var requests = new List<string>();

        // A request has several lines: a watch one when it begins and one when it ends.
        var seen = new HashSet<string>();
        while (reader.ReadLine() is { } line)
        {
            var request = JsonNode.Parse(line)!;
            if (
                (string)request["user"]!["username"]! == "system:serviceaccount:pinagent:agent"
                && ((string?)request["userAgent"])?.StartsWith("pinagent", StringComparison.Ordinal)
                    == true
                && seen.Add((string)request["auditID"]!)
            )
            {
                requests.Add($"{request["verb"]} {request["objectRef"]!["resource"]}");
            }
        }

        return requests;
    }

    private static async Task<string> FeedKubectlAsync(string input, params string[] arguments)
    {
        var result = await Cli.Wrap($"{Directory}/bin/kubectl")
            .WithArguments([
                "--kubeconfig",
                Admin!,
                "--cache-dir",
                $"{Directory}/test-cache",
                .. arguments,
            ])
            .WithStandardInputPipe(PipeSource.FromString(input))
            .WithValidation(CommandResultValidation.None)
            .ExecuteBufferedAsync(TestContext.Current.CancellationToken);
        Assert.True(result.ExitCode == 0, $"kubectl: {result.StandardError}");
        return result.StandardOutput;
    }

    private static string? Variable(string name) =>
        Environment.GetEnvironmentVariable($"PINAGENT_TEST_{name}");
}
