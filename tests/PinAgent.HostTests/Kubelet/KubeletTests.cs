using Xunit;

namespace PinAgent.HostTests.Kubelet;

/// <summary>A real kubelet gives out the CPUs, to pods that a real scheduler has bound.</summary>
[Trait("lane", "kubelet")]
public sealed class KubeletTests
{
    private const int Timeout = 1_200_000;
    private const string Labels = "cpumanager=true kubevirt.io/cpumanager=true";

    [Fact(Timeout = Timeout)]
    public async Task A_vm_is_pinned_to_the_cpus_the_kubelet_gave_it_and_gives_them_back()
    {
        KubeletNode.Require();
        await SwitchGateOnAsync();
        var before = KubeletNode.Checkpoint()!.Shared;
        var pod = await LauncherPod.StartAsync("dedicatedCpuPlacement: true, sockets: 1", "1");

        var vm = await NodeAgent.PinnedAsync(pod);

        var exclusive = KubeletNode.Checkpoint()!.Exclusive(pod.PodUid)!;
        Assert.Equal(
            ("api", exclusive, pod.PodUid),
            ((string?)vm.Json["source"], (string?)vm.Json["cpuset"], (string?)vm.Json["podUid"])
        );
        Assert.Empty(vm.Json["advisories"]!.AsArray());
        Assert.Equal(exclusive, pod.Cpuset);
        Assert.Equal([exclusive], pod.VcpuMasks());
        await Until.EqualAsync(Labels, LabelsAsync);

        await pod.DeleteAsync();

        await Until.EqualAsync(before, () => Task.FromResult(KubeletNode.Checkpoint()!.Shared));
        await Until.EqualAsync(false, async () => (await NodeAgent.StatusAsync())?.Has(pod.Pid));
    }

    [Fact(Timeout = Timeout)]
    public async Task An_update_of_the_agent_leaves_the_pins_as_they_are()
    {
        KubeletNode.Require();
        var pod = await LauncherPod.StartAsync("dedicatedCpuPlacement: true, sockets: 1", "1");
        await NodeAgent.PinnedAsync(pod);
        var before = Threads.Masks(pod.Pid);

        await NodeAgent.ReplaceAsync();

        await NodeAgent.PinnedAsync(pod);
        Assert.Equal(before, Threads.Masks(pod.Pid));
        Assert.Empty(await pod.EventsAsync("PinningDrifted"));
        await pod.DeleteAsync();
    }

    [Fact(Timeout = Timeout)]
    public async Task The_labels_go_with_the_cpu_manager()
    {
        KubeletNode.Require();
        await SwitchGateOnAsync();
        await Until.EqualAsync(Labels, LabelsAsync);

        await KubeletNode.RestartAsync("none", fresh: true);
        await Until.EqualAsync("", LabelsAsync);

        await KubeletNode.RestartAsync("static", fresh: true);
        await Until.EqualAsync(Labels, LabelsAsync);
    }

    private static async Task<string> LabelsAsync() =>
        ControlPlane.LabelsOf((await ClusterApi.GetAsync("/api/v1/nodes/node1"))!);

    private static async Task SwitchGateOnAsync()
    {
        const string ConfigMaps = "/api/v1/namespaces/kubevirt/configmaps";
        if (await ClusterApi.GetAsync($"{ConfigMaps}/kubevirt-config") is null)
        {
            await ClusterApi.CreateAsync(
                ConfigMaps,
                """
                apiVersion: v1
                kind: ConfigMap
                metadata: {name: kubevirt-config}
                data: {feature-gates: CPUManager}
                """
            );
        }
    }
}
