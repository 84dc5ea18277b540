using System.Text;
using PinAgent.Observe.Proc;
using Xunit;

namespace PinAgent.Tests.Observe.Proc;

/// <summary><c>/proc/&lt;pid&gt;/cgroup</c> on machines with cgroup v1, v2 and both.</summary>
public sealed class ProcCgroupTests
{
    private const string V2 = "0::/kubepods.slice/kubepods-pod1.slice/cri-containerd-ab.scope\n";

    private const string V1 =
        "12:cpuset:/kubepods/pod1/ab\n11:cpu,cpuacct:/kubepods/pod1/cpu\n4:devices:/kubepods/pod1/dev\n"
        + "1:name=systemd:/kubepods/pod1/systemd\n";

    private const string Hybrid =
        "3:cpuset:/machine/qemu-1-vm1.libvirt-qemu/vcpu0\n1:name=systemd:/machine.slice/x\n"
        + "0::/machine.slice/machine-qemu\\x2d1\\x2dvm1.scope\n";

    [Theory]
    [InlineData(V2, "/kubepods.slice/kubepods-pod1.slice/cri-containerd-ab.scope")]
    [InlineData(Hybrid, "/machine.slice/machine-qemu\\x2d1\\x2dvm1.scope")]
    [InlineData("0::/\n", "/")]
    [InlineData("0::/../../pod1/ab\n", "/../../pod1/ab")]
    [InlineData("0::/a:b:c\n", "/a:b:c")]
    [InlineData("0::/no newline", "/no newline")]
    [InlineData("0::/gone (deleted)\n", "/gone (deleted)")]
    [InlineData("0::/grün\n", "/grün")]
    public void Finds_a_threads_place_in_v2(string content, string expected)
    {
        Assert.True(ProcCgroup.TryParse(Bytes(content), isV1: false, out var path));

        Assert.Equal(expected, path);
    }

    [Theory]
    [InlineData(V1, "/kubepods/pod1/ab")]
    [InlineData(Hybrid, "/machine/qemu-1-vm1.libvirt-qemu/vcpu0")]
    [InlineData("7:memory,cpuset,cpu:/x\n", "/x")]
    [InlineData("9:cpuset:/\n", "/")]
    [InlineData("9:cpuset:/a:b\n", "/a:b")]
    public void Finds_a_threads_place_in_v1s_cpuset_hierarchy(string content, string expected)
    {
        Assert.True(ProcCgroup.TryParse(Bytes(content), isV1: true, out var path));

        Assert.Equal(expected, path);
    }

    [Theory]
    [InlineData("", false)]
    [InlineData("\n\n", false)]
    [InlineData(V1, false)]
    [InlineData("0:\n", false)]
    [InlineData("0::\n", false)]
    [InlineData("0:", false)]
    [InlineData("::", false)]
    [InlineData("0::relative\n", false)]
    [InlineData("no colons at all\n", false)]
    [InlineData(V2, true)]
    [InlineData("4:cpusets:/x\n", true)]
    [InlineData("4:mycpuset,cpu:/x\n", true)]
    [InlineData("1:name=cpuset:/x\n", true)]
    [InlineData("4:cpuset\n", true)]
    [InlineData("4:cpuset:\n", true)]
    public void Finds_nothing_where_the_hierarchy_isnt_listed(string content, bool isV1)
    {
        Assert.False(ProcCgroup.TryParse(Bytes(content), isV1, out var path));

        Assert.Null(path);
    }

    private static byte[] Bytes(string text) => Encoding.UTF8.GetBytes(text);
}
