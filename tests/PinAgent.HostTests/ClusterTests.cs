using System.Text.Json.Nodes;
using CliWrap;
using Xunit;

namespace PinAgent.HostTests;

/// <summary>A real API server, real QEMU guests in cgroups as a kubelet makes them, on two CPUs.</summary>
[Trait("lane", "cluster")]
public sealed class ClusterTests : IDisposable
{
    private const int Timeout = 300_000;

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
        for (var i = 0; i < 10; i++)
        {
            await ControlPlane.CreatePodAsync($"{_name}-{i}", vmi, "node2");
        }

        // The guest came without an event, so whatever the API tells next makes the agent see it.
        await AnnotateAsync("vmi", _name, "audit");
        await agent.WaitForLogAsync("Waiting, AuditMode");
        Assert.All(guest.Masks().Values, mask => Assert.Equal("0-1", mask));

        await AnnotateAsync("vmi", _name, null);
        await AnnotateAsync("pod", $"virt-launcher-{_name}", null);
        await agent.WaitForLogAsync($"default/{_name} (pid {guest.Pid}): pinned");

        await AnnotateAsync("vmi", _name, "off");
        await agent.WaitForLogAsync("Waiting, SwitchedOff");

        Assert.Equal(
            [
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
