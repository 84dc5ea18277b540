using System.Text.Json.Nodes;
using CliWrap;
using PinAgent.HostTests.Harness;
using Xunit;

namespace PinAgent.HostTests.Cluster;

/// <summary>A real API server, real QEMU guests in cgroups as a kubelet makes them, on two CPUs.</summary>
[Trait("lane", "cluster")]
public sealed class ClusterTests : IDisposable
{
    private const int Timeout = Patience.Hang;

    // A pass an hour: what happens sooner, an event of the API has brought about.
    private const string Never = "3600";

    private readonly string _name = $"vm-{Guid.NewGuid():N}";
    private readonly string _state = Directory.CreateTempSubdirectory("pinagent-state-").FullName;

    public void Dispose() => Directory.Delete(_state, recursive: true);

    [Fact(Timeout = Timeout)]
    public async Task The_vm_of_a_dedicated_vmi_is_pinned_as_the_vmi_says()
    {
        Require();
        var vmi = await ControlPlane.CreateVmiAsync(
            _name,
            "dedicatedCpuPlacement: true, isolateEmulatorThread: true, cores: 1"
        );
        var pod = await ControlPlane.CreatePodAsync(_name, vmi);
        using var cpuset = new Cpuset(Cpuset.PodPath(pod, Cpuset.NewContainerId()), "0-1");
        await using var guest = await Guest.StartAsync($"default_{_name}", "1", cpuset);

        var status = await RunOnceAsync();
        var vm = status.Vm(guest);

        Assert.Equal("synced", (string?)status.Json["cluster"]!["state"]);
        Assert.Equal("api", (string?)vm.Json["source"]);
        Assert.Equal($"default/{_name}", vm.FullName);
        Assert.Equal("Pinned", vm.State);
        Assert.Empty(vm.Json["advisories"]!.AsArray());
        var vcpu = (await guest.Monitor.VcpuThreadsAsync())[0];
        Assert.All(
            guest.Masks(),
            thread => Assert.Equal(thread.Key == vcpu ? "0" : "1", thread.Value)
        );
    }

    [Theory(Timeout = Timeout)]
    [InlineData(
        "cpu: {sockets: 2, cores: 1, threads: 1, dedicatedCpuPlacement: true}, resources: {limits: {memory: 2Gi}}"
    )]
    [InlineData("cpu: {dedicatedCpuPlacement: true}, resources: {limits: {cpu: 2, memory: 2Gi}}")]
    public async Task The_examples_of_kubevirts_user_guide_are_pinned(string domain)
    {
        Require();
        var vmi = await ControlPlane.CreateAsync(ControlPlane.Vmi(_name, domain, "v1alpha3"));
        var pod = await ControlPlane.CreatePodAsync(_name, vmi);
        using var cpuset = new Cpuset(Cpuset.PodPath(pod, Cpuset.NewContainerId()), "0-1");
        await using var guest = await Guest.StartAsync($"default_{_name}", "2", cpuset);

        var vm = (await RunOnceAsync()).Vm(guest);

        Assert.Equal(("api", "Pinned"), ((string?)vm.Json["source"], vm.State));
        Assert.Empty(vm.Json["advisories"]!.AsArray());
        var vcpus = await guest.Monitor.VcpuThreadsAsync();
        Assert.Equal(["0", "1"], [guest.Masks()[vcpus[0]], guest.Masks()[vcpus[1]]]);
    }

    [Theory(Timeout = Timeout)]
    [InlineData("isolateEmulatorThread: true, sockets: 1", "NotDedicated", "isolateEmulatorThread")]
    [InlineData("dedicatedCpuPlacement: true, threads: 3", "Pinned", "dedicatedCpuPlacement")]
    [InlineData(
        "dedicatedCpuPlacement: true, isolateEmulatorThread: true, sockets: 2",
        "NotExclusive",
        null
    )]
    public async Task An_inconsistent_vmi_has_the_causes_that_validate_names(
        string cpu,
        string state,
        string? field
    )
    {
        Require();
        var vmi = await ControlPlane.CreateVmiAsync(_name, cpu);
        var pod = await ControlPlane.CreatePodAsync(_name, vmi);
        using var cpuset = new Cpuset(Cpuset.PodPath(pod, Cpuset.NewContainerId()), "0-1");
        await using var guest = await Guest.StartAsync($"default_{_name}", "2", cpuset);

        var vm = (await RunOnceAsync()).Vm(guest);
        var stored = Path.Combine(_state, "vmi.json");
        await File.WriteAllTextAsync(
            stored,
            await ControlPlane.KubectlAsync("get", "vmi", _name, "-o", "json"),
            TestContext.Current.CancellationToken
        );
        var answer = await Agent.RunAsync("validate", "-f", stored, "-o", "json");
        var causes = JsonNode.Parse(answer.StandardOutput)![0]!["causes"]!.AsArray();

        Assert.Equal(state, vm.State);
        Assert.Equal(field is null ? 0 : 1, answer.ExitCode);
        Assert.Equal(field is null ? 0 : 1, causes.Count);
        var advisories = vm.Json["advisories"]!.AsArray().Select(text => (string)text!).ToList();
        Assert.All(
            causes,
            cause =>
            {
                Assert.EndsWith($".{field}", (string)cause!["field"]!, StringComparison.Ordinal);
                Assert.Contains($"{cause["field"]}: {cause["message"]}", advisories);
            }
        );
    }

    [Fact(Timeout = Timeout)]
    public async Task A_migrations_target_is_pinned_before_the_hand_over()
    {
        Require();
        var vmi = await ControlPlane.CreateAsync(
            $$$$"""
            apiVersion: kubevirt.io/v1
            kind: VirtualMachineInstance
            metadata:
              name: "{{{{_name}}}}"
              namespace: default
              labels: {kubevirt.io/nodeName: node2, kubevirt.io/migrationTargetNodeName: node1}
            spec: {domain: {cpu: {dedicatedCpuPlacement: true, sockets: 2}, memory: {guest: 64Mi}}}
            status: {nodeName: node2, phase: Running, migrationState: {sourceNode: node2, targetNode: node1}}
            """
        );
        var pod = await ControlPlane.CreatePodAsync(_name, vmi);
        using var cpuset = new Cpuset(Cpuset.PodPath(pod, Cpuset.NewContainerId()), "0-1");
        await using var guest = await Guest.StartAsync($"default_{_name}", "2", cpuset);

        var vm = (await RunOnceAsync()).Vm(guest);

        Assert.Equal(("api", "Pinned"), ((string?)vm.Json["source"], vm.State));
        Assert.Empty(vm.Json["advisories"]!.AsArray());
    }

    [Fact(Timeout = Timeout)]
    public async Task Drift_and_deletion_are_told_and_the_pod_annotated_where_that_is_granted()
    {
        Require();
        await ControlPlane.KubectlAsync(
            "apply",
            "-f",
            Paths.InRepository("deploy/annotate-pods/rbac.yaml")
        );
        var vmi = await ControlPlane.CreateVmiAsync(
            _name,
            "dedicatedCpuPlacement: true, sockets: 2"
        );
        var pod = await ControlPlane.CreatePodAsync(_name, vmi);
        using var cpuset = new Cpuset(Cpuset.PodPath(pod, Cpuset.NewContainerId()), "0-1");
        await using var guest = await Guest.StartAsync($"default_{_name}", "2", cpuset);
        var vcpus = await guest.Monitor.VcpuThreadsAsync();
        await using var agent = AgentLoop.InCluster([
            .. ControlPlane.JoinArguments(_state),
            "--interval",
            "0.05",
            "--annotate-pods",
        ]);
        await agent.WaitForLogAsync($"default/{_name} (pid {guest.Pid}): pinned");

        await MoveAsync(vcpus[1]);
        await agent.WaitForLogAsync("repaired");
        var events = await ControlPlane.EventsAsync(_name, 4);
        Assert.Equal(
            2,
            events.Count(one =>
                one.Contains($"PinningDrifted: repaired vcpu 1 ({vcpus[1]}) from 0-1 to 1", default)
            )
        );
        string? placement;
        do
        {
            var told = JsonNode.Parse(
                await ControlPlane.KubectlAsync(
                    "get",
                    "pod",
                    $"virt-launcher-{_name}",
                    "-o",
                    "json"
                )
            )!;
            placement = (string?)told["metadata"]!["annotations"]?["pinagent.dev/placement"];
        } while (placement is null);

        Assert.Equal("""{"vcpus":{"0":"0","1":"1"},"emulator":"0-1"}""", placement);

        // A VM that is being deleted is pinned to its end.
        await ControlPlane.KubectlAsync(
            "delete",
            "pod",
            $"virt-launcher-{_name}",
            "--wait=false",
            "--grace-period=1"
        );
        await ControlPlane.KubectlAsync("delete", "vmi", _name);
        await MoveAsync(vcpus[1]);
        await agent.WaitForLogAsync("repaired");
    }

    [Fact(Timeout = Timeout)]
    public async Task The_vm_of_a_vmi_that_isnt_dedicated_is_left_untouched()
    {
        Require();
        var vmi = await ControlPlane.CreateVmiAsync(_name, "cores: 1");
        var pod = await ControlPlane.CreatePodAsync(_name, vmi);
        using var cpuset = new Cpuset(Cpuset.PodPath(pod, Cpuset.NewContainerId()), "0-1");
        await using var guest = await Guest.StartAsync($"default_{_name}", "1", cpuset);

        var vm = (await RunOnceAsync()).Vm(guest);

        Assert.Equal(("api", "NotDedicated"), ((string?)vm.Json["source"], vm.State));
        Assert.Equal("DedicatedCpusNotRequested", vm.Reason);
        Assert.All(guest.Masks().Values, mask => Assert.Equal("0-1", mask));
    }

    [Fact(Timeout = Timeout)]
    public async Task A_running_agent_acts_at_once_on_what_the_api_tells_and_rests_on_open_watches()
    {
        Require();
        var vmi = await ControlPlane.CreateVmiAsync(
            _name,
            "dedicatedCpuPlacement: true, isolateEmulatorThread: true"
        );
        var before = ControlPlane.AgentRequests().Count;
        await using var agent = Loop();
        await agent.WaitForLogAsync("API: node: 1 listed");
        var pod = await ControlPlane.CreatePodAsync(_name, vmi);
        await AnnotateAsync("pod", $"virt-launcher-{_name}", "audit");
        using var cpuset = new Cpuset(Cpuset.PodPath(pod, Cpuset.NewContainerId()), "0-1");
        await using var guest = await Guest.StartAsync($"default_{_name}", "1", cpuset);

        // Pods of other nodes cost nothing.
        await ControlPlane.CreateForeignPodsAsync(_name, 1000);

        // The guest came without an event, so whatever the API tells next makes the agent see it.
        await AnnotateAsync("vmi", _name, "audit");
        await agent.WaitForLogAsync("Waiting, AuditMode");
        Assert.All(guest.Masks().Values, mask => Assert.Equal("0-1", mask));

        await AnnotateAsync("vmi", _name, null);
        await AnnotateAsync("pod", $"virt-launcher-{_name}", null);
        await agent.WaitForLogAsync($"default/{_name} (pid {guest.Pid}): pinned");

        var events = await ControlPlane.EventsAsync(_name, 2);
        Assert.All(events, one => Assert.Contains(" Pinned: pinned within CPUs 0-1: vcpu 0 ", one));

        await AnnotateAsync("vmi", _name, "off");
        await agent.WaitForLogAsync("Waiting, SwitchedOff");

        Assert.Equal(
            [
                "create events",
                "create events",
                "list configmaps",
                "list kubevirts",
                "list nodes",
                "list pods",
                "list virtualmachineinstances",
                "list virtualmachineinstances",
                "watch configmaps",
                "watch kubevirts",
                "watch nodes",
                "watch pods",
                "watch virtualmachineinstances",
                "watch virtualmachineinstances",
            ],
            ControlPlane
                .AgentRequests()
                .Skip(before)
                .Where(request => request != "get nodes")
                .Order()
        );
    }

    [Fact(Timeout = Timeout)]
    public async Task An_api_server_that_goes_and_comes_back_changes_nothing_for_the_vms()
    {
        Require();
        var vmi = await ControlPlane.CreateVmiAsync(
            _name,
            "dedicatedCpuPlacement: true, isolateEmulatorThread: true"
        );
        var pod = await ControlPlane.CreatePodAsync(_name, vmi);
        using var cpuset = new Cpuset(Cpuset.PodPath(pod, Cpuset.NewContainerId()), "0-1");
        await using var guest = await Guest.StartAsync($"default_{_name}", "1", cpuset);
        var vcpu = (await guest.Monitor.VcpuThreadsAsync())[0];
        await using var agent = Loop("0.05");
        await agent.WaitForLogAsync($"default/{_name} (pid {guest.Pid}): pinned");

        await ControlPlane.ControlAsync("stop-apiserver");
        try
        {
            // What is ours is repaired without the API, and by a new agent too.
            await MoveAsync(vcpu);
            await agent.WaitForLogAsync("repaired");
            await MoveAsync(vcpu);
            var vm = (await RunOnceAsync()).Vm(guest);
            Assert.Equal(("remembered", "Pinned"), ((string?)vm.Json["source"], vm.State));
            Assert.Equal("0", guest.Masks()[vcpu]);
        }
        finally
        {
            await ControlPlane.ControlAsync("start-apiserver");
        }

        await AnnotateAsync("vmi", _name, "off");
        await agent.WaitForLogAsync("Waiting, SwitchedOff");
    }

    private static void Require()
    {
        ControlPlane.Require();
        Requires.RealGuests(cpus: 2);
        Requires.Program("taskset");
    }

    private static async Task MoveAsync(int tid) =>
        await Cli.Wrap("taskset").WithArguments(["-pc", "0-1", $"{tid}"]).ExecuteAsync();

    private static Task<string> AnnotateAsync(string kind, string name, string? mode) =>
        ControlPlane.KubectlAsync(
            "annotate",
            kind,
            name,
            mode is null ? "pinagent.dev/mode-" : $"pinagent.dev/mode={mode}"
        );

    private AgentLoop Loop(string interval = Never) =>
        AgentLoop.InCluster([.. ControlPlane.JoinArguments(_state), "--interval", interval]);

    private async Task<Status> RunOnceAsync()
    {
        var result = await Agent.RunAsync([
            "run",
            "--once",
            "-o",
            "json",
            .. ControlPlane.JoinArguments(_state),
        ]);
        Assert.True(result.ExitCode == 0, $"exit {result.ExitCode}: {result.StandardError}");
        return new Status(JsonNode.Parse(result.StandardOutput)!);
    }
}
