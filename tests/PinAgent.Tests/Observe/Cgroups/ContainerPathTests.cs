using PinAgent.Observe.Cgroups;
using Xunit;

namespace PinAgent.Tests.Observe.Cgroups;

/// <summary>Cgroup paths as the kubelet, container runtimes, KubeVirt and libvirt make them.</summary>
public sealed class ContainerPathTests
{
    private const string Id = "5d1e3c4b8f0a9b7c6d5e4f3a2b1c0d9e8f7a6b5c4d3e2f1a0b9c8d7e6f5a4b3c";
    private const string Uid = "541081ef-fe30-4353-a784-1bc4e9337f97";
    private const string SliceUid = "541081ef_fe30_4353_a784_1bc4e9337f97";
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
        foreach (var child in Children)
        {
            var location = ContainerPath.Parse(path + child);

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
        var location = ContainerPath.Parse(path);

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
        var location = ContainerPath.Parse(path);

        Assert.Equal(expected, location.Path);
        Assert.Null(location.PodUid);
        Assert.Null(location.ContainerId);
    }
}
