using PinAgent.Observe.Cgroups;
using PinAgent.Observe.Files;
using Xunit;

namespace PinAgent.Tests.Observe.Cgroups;

/// <summary>Cgroup paths as the kubelet, container runtimes, KubeVirt and libvirt make them.</summary>
public sealed class ContainerPathTests
{
    private const string Id = "5d1e3c4b8f0a9b7c6d5e4f3a2b1c0d9e8f7a6b5c4d3e2f1a0b9c8d7e6f5a4b3c";
    private const string Uid = "541081ef-fe30-4353-a784-1bc4e9337f97";
    private const string SliceUid = "541081ef_fe30_4353_a784_1bc4e9337f97";
    private const string Other = "e2f8a1c0-0000-4353-a784-1bc4e9337f97";
    private const string OtherSlice = "e2f8a1c0_0000_4353_a784_1bc4e9337f97";
    private const string Slices = "/kubepods.slice/kubepods-pod" + SliceUid + ".slice";
    private const string Burstable =
        "/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod" + SliceUid + ".slice";
    private const string Kind =
        "/kubelet.slice/kubelet-kubepods.slice/kubelet-kubepods-pod" + SliceUid + ".slice";

    [Theory]
    [InlineData(Slices + "/cri-containerd-" + Id + ".scope")]
    [InlineData(Burstable + "/cri-containerd-" + Id + ".scope")]
    [InlineData(Slices + "/crio-" + Id + ".scope")]
    [InlineData(Slices + "/docker-" + Id + ".scope")]
    [InlineData(Slices + "/" + Id)]
    [InlineData(Kind + "/cri-containerd-" + Id + ".scope")]
    [InlineData("/docker/0123456789ab" + Kind + "/cri-containerd-" + Id + ".scope")]
    [InlineData(
        "/system.slice/docker-0123456789ab.scope" + Kind + "/cri-containerd-" + Id + ".scope"
    )]
    [InlineData("/kubepods/pod" + Uid + "/" + Id)]
    [InlineData("/kubepods/burstable/pod" + Uid + "/" + Id)]
    [InlineData("/kubepods/besteffort/pod" + Uid + "/" + Id)]
    [InlineData("/docker/0123456789ab/kubelet/kubepods/pod" + Uid + "/" + Id)]
    [InlineData("/kubepods-burstable-pod" + SliceUid + ".slice:cri-containerd:" + Id)]
    [InlineData(
        "/system.slice/containerd.service/kubepods-burstable-pod"
            + SliceUid
            + ".slice:cri-containerd:"
            + Id
    )]
    [InlineData("/a.slice/b.slice/kubepods-pod" + SliceUid + ".slice:cri-containerd:" + Id)]
    public void Names_the_pod_and_the_container_below_any_prefix(string path)
    {
        // As the agent sees it that runs in another pod of the same kubelet, whatever its class.
        foreach (var own in new[] { path, path.Replace(Uid, Other).Replace(SliceUid, OtherSlice) })
        foreach (var child in Children)
        {
            var location = ContainerPath.FindRoot(own)!.Locate(path + child);

            Assert.Equal(path, location.Path);
            Assert.Equal(Uid, location.PodUid);
            Assert.Equal(Id, location.ContainerId);
        }
    }

    private static readonly string[] Children =
    [
        "",
        "/",
        "/housekeeping",
        "/libvirt",
        "/libvirt/emulator",
        "/libvirt/vcpu0",
        "/libvirt/iothread1",
        "/container",
        "/container/housekeeping",
        "/container/libvirt/vcpu12",
        "/made by the guest's owner",
        "/kubepods/pod00000000-0000-0000-0000-000000000000/fake",
    ];

    [Theory]
    [InlineData(Slices, Uid)]
    [InlineData(Burstable, Uid)]
    [InlineData("/kubepods/pod" + Uid, Uid)]
    [InlineData(
        "/kubepods/pod0123456789abcdef0123456789abcdef",
        "0123456789abcdef0123456789abcdef"
    )]
    public void Names_the_pod_where_the_path_ends_with_it(string path, string uid)
    {
        var location = Anywhere.Locate(path);

        Assert.Equal(path, location.Path);
        Assert.Equal(uid, location.PodUid);
        Assert.Null(location.ContainerId);
    }

    [Theory]
    [InlineData("/", "/")]
    [InlineData("", "/")]
    [InlineData(
        "/machine.slice/machine-qemu\\x2d1\\x2dvm1.scope/libvirt/vcpu0",
        "/machine.slice/machine-qemu\\x2d1\\x2dvm1.scope"
    )]
    [InlineData(
        "/machine.slice/machine-qemu\\x2d1\\x2dvm1.scope/libvirt/emulator",
        "/machine.slice/machine-qemu\\x2d1\\x2dvm1.scope"
    )]
    [InlineData(
        "/machine.slice/machine-qemu\\x2d1\\x2dvm1.scope",
        "/machine.slice/machine-qemu\\x2d1\\x2dvm1.scope"
    )]
    [InlineData("/machine/qemu-1-vm1.libvirt-qemu/vcpu12", "/machine/qemu-1-vm1.libvirt-qemu")]
    [InlineData("/machine/qemu-1-vm1.libvirt-qemu/iothread1", "/machine/qemu-1-vm1.libvirt-qemu")]
    [InlineData("/qemu.slice/100.scope", "/qemu.slice/100.scope")]
    [InlineData("/system.slice/my-vm.service", "/system.slice/my-vm.service")]
    [InlineData(
        "/user.slice/user-1000.slice/session-2.scope",
        "/user.slice/user-1000.slice/session-2.scope"
    )]
    [InlineData("/docker/" + Id, "/docker/" + Id)]
    [InlineData("/pod" + Uid + "/" + Id, "/pod" + Uid + "/" + Id)]
    [InlineData(
        "/machine.slice/libpod-" + Id + ".scope/container",
        "/machine.slice/libpod-" + Id + ".scope"
    )]
    [InlineData("/vm1/vcpu", "/vm1/vcpu")]
    [InlineData("/vm1/vcpux", "/vm1/vcpux")]
    [InlineData("/vm1/vcpu0x", "/vm1/vcpu0x")]
    [InlineData("/vm1/housekeeping", "/vm1")]
    [InlineData("/kubepods.slice", "/kubepods.slice")]
    [InlineData("/kubepods/burstable", "/kubepods/burstable")]
    [InlineData("/kubepods.slice/kubepods-pod.slice/x", "/kubepods.slice/kubepods-pod.slice/x")]
    [InlineData("/kubepods/pod/x", "/kubepods/pod/x")]
    public void Ends_at_the_machine_or_service_outside_pods(string path, string expected)
    {
        var location = Anywhere.Locate(path);

        Assert.Equal(expected, location.Path);
        Assert.Null(location.PodUid);
        Assert.Null(location.ContainerId);
    }

    [Theory]
    // What somebody calls a cgroup of its own.
    [InlineData("/user.slice/user-1000.slice/user@1000.service" + Slices + "/" + Id)]
    [InlineData("/user.slice/user-1000.slice/user@1000.service/kubepods/pod" + Uid + "/" + Id)]
    [InlineData("/machine.slice/vm.scope" + Slices + "/cri-containerd-" + Id + ".scope")]
    [InlineData(
        "/system.slice/mine.service/kubepods-pod" + SliceUid + ".slice:cri-containerd:" + Id
    )]
    [InlineData("/kubepods.slice.evil/kubepods-pod" + SliceUid + ".slice/" + Id)]
    [InlineData("/kubepods.slice/mine.slice/kubepods-pod" + SliceUid + ".slice/" + Id)]
    [InlineData("/kubepods.slice/burstable/mine/pod" + Uid + "/" + Id)]
    [InlineData("/kubepods.slice/x-kubepods-pod" + SliceUid + ".slice/" + Id)]
    [InlineData("/docker/0123456789ab/kubepods/pod" + Uid + "/" + Id)]
    // Another node's, in a container of this one: its kubelet isn't ours.
    [InlineData("/docker/0123456789ab" + Kind + "/cri-containerd-" + Id + ".scope")]
    public void A_name_anywhere_else_is_no_pods(string path)
    {
        Assert.Null(Anywhere.Locate(path).PodUid);
        Assert.Null(ContainerPath.FindRoot(Slices + "/" + Id)!.Locate(path).PodUid);
    }

    [Fact]
    public void Below_a_pod_every_name_is_that_pods()
    {
        const string Mine = "/kubepods/pod" + Other + "/" + Id;
        var root = ContainerPath.FindRoot(Mine)!;

        Assert.Equal(Other, root.Locate(Mine + "/kubepods/pod" + Uid + "/" + Id).PodUid);
        Assert.Equal(Other, root.Locate(Mine + Slices + "/" + Id).PodUid);
    }

    [Theory]
    [InlineData(Slices + "/" + Id, "/kubepods.slice")]
    [InlineData(Burstable + "/" + Id, "/kubepods.slice")]
    [InlineData("/kubepods/besteffort/pod" + Uid + "/" + Id, "/kubepods")]
    [InlineData("/a/b/kubepods/pod" + Uid + "/" + Id, "/a/b/kubepods")]
    [InlineData(
        "/docker/0123456789ab" + Kind + "/" + Id,
        "/docker/0123456789ab/kubelet.slice/kubelet-kubepods.slice"
    )]
    // A node that is a container in a pod of another cluster: the inner kubelet's.
    [InlineData(
        Slices + "/" + Id + "/kubelet/kubepods/pod" + Other,
        Slices + "/" + Id + "/kubelet/kubepods"
    )]
    public void The_agents_own_pod_tells_where_the_others_are(string own, string expected) =>
        Assert.Equal([expected], ContainerPath.FindRoot(own)!.Roots);

    [Theory]
    [InlineData("/")]
    [InlineData("/system.slice/pinagent.service")]
    [InlineData("/machine.slice/libpod-" + Id + ".scope/container")]
    [InlineData("/machine.slice/machine-libpod_pod_" + Id + ".slice/libpod-" + Id + ".scope")]
    public void Outside_pods_it_tells_nothing(string own) =>
        Assert.Null(ContainerPath.FindRoot(own));

    // Where kubelets usually have them.
    private static KubeletCgroups Anywhere { get; } =
        KubeletCgroups.Find(
            new HostFiles("/nowhere"),
            new("/sys/fs/cgroup", "/", IsV1: false),
            own: null,
            new("/var/lib/kubelet")
        );
}
