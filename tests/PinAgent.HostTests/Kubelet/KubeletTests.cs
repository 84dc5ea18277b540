using System.Globalization;
using PinAgent.HostTests.Cluster;
using PinAgent.HostTests.Harness;
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
        await using var pod = await LauncherPod.StartAsync(
            "dedicatedCpuPlacement: true, sockets: 1",
            "1"
        );

        var vm = await NodeAgent.PinnedAsync(pod);

        var exclusive = KubeletNode.Checkpoint()!.Exclusive(pod.PodUid)!;
        Assert.Equal(
            ("api", exclusive, pod.PodUid),
            ((string?)vm.Json["source"], (string?)vm.Json["cpuset"], (string?)vm.Json["podUid"])
        );
        Assert.Empty(vm.Json["advisories"]!.AsArray());
        Assert.Empty((await NodeAgent.StatusAsync())!.Violations("disagreement"));
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
        await using var pod = await LauncherPod.StartAsync(
            "dedicatedCpuPlacement: true, sockets: 1",
            "1"
        );
        await NodeAgent.PinnedAsync(pod);
        var before = Threads.Masks(pod.Pid);

        await NodeAgent.ReplaceAsync();

        await NodeAgent.PinnedAsync(pod);
        Assert.Equal(before, Threads.Masks(pod.Pid));
        Assert.Empty(await pod.EventsAsync("PinningDrifted"));
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

    /// <summary>
    /// A kubelet that has lost its checkpoint gives the running VM other CPUs, and nothing in Kubernetes or KubeVirt
    /// pins it again: its vCPUs would float over the new ones.
    /// </summary>
    [Fact(Timeout = Timeout)]
    public async Task A_running_vm_whose_cpus_the_kubelet_moves_is_pinned_again_and_no_other_is_touched()
    {
        KubeletNode.Require(cpus: 16);
        await using var two = await LauncherPod.StartAsync(
            "dedicatedCpuPlacement: true, sockets: 1, threads: 2",
            "2,sockets=1,cores=1,threads=2"
        );
        await using var four = await LauncherPod.StartAsync(
            "dedicatedCpuPlacement: true, sockets: 2, threads: 2",
            "4,sockets=2,cores=1,threads=2"
        );
        await using var filler = await LauncherPod.StartAsync("cores: 2", "2");
        await using var six = await LauncherPod.StartAsync(
            "dedicatedCpuPlacement: true, sockets: 3, threads: 2",
            "6,sockets=3,cores=1,threads=2"
        );
        var others = new[] { two, four };
        foreach (var pod in (LauncherPod[])[.. others, six])
        {
            var vm = await NodeAgent.PinnedAsync(pod);
            Assert.Empty(vm.Json["advisories"]!.AsArray());
            Assert.Empty((await NodeAgent.StatusAsync())!.Violations("disagreement"));
            AssertOnSiblings(pod);
            await Until.HoldsAsync(
                async () => (await pod.EventsAsync("Pinned")).Count == 1,
                () => Task.FromResult($"{pod.Name} has an event")
            );
        }

        var (old, masks) = (six.Cpuset, others.Select(pod => pod.VcpuMasks()).ToList());
        await filler.DeleteAsync();

        await KubeletNode.RestartAsync("static", fresh: true);

        await Until.HoldsAsync(
            () => Task.FromResult(six.Cpuset != old),
            () => Task.FromResult($"the kubelet moves {six.Name} from {old}")
        );
        await NodeAgent.PinnedAsync(six);
        AssertOnSiblings(six);
        var drift = await Until.NotNullAsync(
            async () => await six.EventsAsync("PinningDrifted") is [var first, ..] ? first : null,
            () => Task.FromResult($"{six.Name} has an event of the drift")
        );
        Assert.All(
            six.VcpuMasks(),
            mask => Assert.Contains($" from {six.Cpuset} to {mask}", drift)
        );
        Assert.Equal(masks, others.Select(pod => pod.VcpuMasks()));
        foreach (var pod in others)
        {
            Assert.Empty(await pod.EventsAsync("PinningDrifted"));
        }
    }

    // Each vCPU is alone on a CPU of the pod's own, and guest siblings are on host siblings: (0,1)(2,3)…
    private static void AssertOnSiblings(LauncherPod pod)
    {
        Assert.Equal(KubeletNode.Checkpoint()!.Exclusive(pod.PodUid), pod.Cpuset);
        var cpus = pod.VcpuMasks()
            .Select(mask => int.Parse(mask, CultureInfo.InvariantCulture))
            .ToList();
        Assert.All(cpus, cpu => Assert.True(Contains(pod.Cpuset, cpu), $"{cpu}: {pod.Cpuset}"));
        Assert.Distinct(cpus);
        Assert.All(cpus.Chunk(2), core => Assert.Equal(core[0] / 2, core[1] / 2));
    }

    private static bool Contains(string list, int cpu) =>
        list.Split(',')
            .Select(range =>
                range.Split('-').Select(end => int.Parse(end, CultureInfo.InvariantCulture))
            )
            .Any(range => range.First() <= cpu && cpu <= range.Last());

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
