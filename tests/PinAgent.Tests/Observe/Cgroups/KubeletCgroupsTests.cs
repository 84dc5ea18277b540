using System.Globalization;
using PinAgent.Observe.Cgroups;
using Xunit;

namespace PinAgent.Tests.Observe.Cgroups;

/// <summary>Where the agent finds the kubelet's pods on a machine.</summary>
public sealed class KubeletCgroupsTests : IDisposable
{
    private const string Root2 = "/sys/fs/cgroup";
    private readonly FakeHost _host = new();
    private static readonly string Me = string.Create(
        CultureInfo.InvariantCulture,
        $"{Environment.ProcessId}"
    );

    public void Dispose() => _host.Dispose();

    [Fact]
    public void In_a_pod_with_a_cgroup_namespace_by_the_cgroup_that_lists_it()
    {
        _host
            .MountCgroup2()
            .Write($"/proc/{Me}/cgroup", "0::/\n")
            .Write($"{Root2}/cgroup.procs", "1\n")
            .Write($"{Root2}/x/kubepods/burstable/podmine/c1/cgroup.procs", Me + "\n");
        var pods = Open().Pods;

        Assert.Equal(["/x/kubepods"], pods.Roots);
        // As a process elsewhere is seen from there: /../../podother/c2/libvirt
        Assert.Equal("other", pods.Locate(Open().Resolve("/../../podother/c2/libvirt")!).PodUid);
        Assert.Null(pods.Locate("/kubepods/podother/c2").PodUid);
    }

    [Fact]
    public void In_a_pod_without_a_namespace_by_what_the_kernel_says()
    {
        _host
            .MountCgroup1()
            .Write($"/proc/{Me}/cgroup", "4:cpuset:/docker/ab/kubelet/kubepods/podmine/c1\n0::/\n");

        Assert.Equal(["/docker/ab/kubelet/kubepods"], Open().Pods.Roots);
    }

    [Theory]
    [InlineData(
        null,
        "/kubepods",
        "/kubepods.slice",
        "/kubelet/kubepods",
        "/kubelet.slice/kubelet-kubepods.slice"
    )]
    [InlineData(
        "kind: KubeletConfiguration\n",
        "/kubepods",
        "/kubepods.slice",
        "/kubelet/kubepods",
        "/kubelet.slice/kubelet-kubepods.slice"
    )]
    [InlineData("cgroupRoot: /\n", "/kubepods", "/kubepods.slice")]
    [InlineData("cgroupRoot: /a/b\n", "/a/b/kubepods", "/a.slice/a-b.slice/a-b-kubepods.slice")]
    [InlineData(
        "cgroupRoot: [\n",
        "/kubepods",
        "/kubepods.slice",
        "/kubelet/kubepods",
        "/kubelet.slice/kubelet-kubepods.slice"
    )]
    public void Elsewhere_by_the_kubelets_configuration(string? config, params string[] expected)
    {
        _host.MountCgroup2().Write($"/proc/{Me}/cgroup", "0::/system.slice/pinagent.service\n");
        if (config is not null)
        {
            _host.Write("/var/lib/kubelet/config.yaml", config);
        }

        Assert.Equal(expected, Open().Pods.Roots);
    }

    [Fact]
    public void By_the_option_before_all_else()
    {
        _host
            .MountCgroup2()
            .Write($"/proc/{Me}/cgroup", "0::/kubepods/podmine/c1\n")
            .Write("/var/lib/kubelet/config.yaml", "cgroupRoot: /a\n");

        var cgroups = CgroupHierarchy.TryOpen(
            _host.Files,
            out _,
            new("/var/lib/kubelet", "/mine/pods")
        )!;

        Assert.Equal(["/mine/pods"], cgroups.Pods.Roots);
        Assert.Equal("x", cgroups.Pods.Locate("/mine/pods/podx/c").PodUid);
        Assert.Null(cgroups.Pods.Locate("/kubepods/podx/c").PodUid);
    }

    [Fact]
    public void On_a_node_that_is_a_container_below_what_is_mounted()
    {
        _host.Write(
            "/proc/1/mountinfo",
            "30 23 0:26 /docker/ab /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n"
        );

        var pods = Open().Pods;

        Assert.Equal("x", pods.Locate("/docker/ab/kubelet/kubepods/podx/c").PodUid);
        Assert.Equal("x", pods.Locate("/kubepods/podx/c").PodUid);
        Assert.Null(pods.Locate("/docker/cd/kubelet/kubepods/podx/c").PodUid);
    }

    private CgroupHierarchy Open() =>
        CgroupHierarchy.TryOpen(_host.Files, out var problem)
        ?? throw new InvalidOperationException(problem);
}
