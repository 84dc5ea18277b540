using System.Text;
using PinAgent.Observe.Proc;
using Xunit;

namespace PinAgent.Tests.Observe.Proc;

/// <summary><c>/proc/1/mountinfo</c>: where the machine has mounted its cgroups.</summary>
public sealed class MountInfoTests
{
    private const string V2 =
        "22 28 0:21 / /proc rw,nosuid shared:14 - proc proc rw\n"
        + "30 23 0:26 / /sys/fs/cgroup rw,nosuid,nodev,noexec,relatime shared:4 - cgroup2 cgroup2 rw,nsdelegate\n";

    private const string V1 =
        "30 23 0:25 / /sys/fs/cgroup ro,nosuid shared:4 - tmpfs tmpfs ro,mode=755\n"
        + "33 30 0:28 / /sys/fs/cgroup/cpu,cpuacct rw shared:7 - cgroup cgroup rw,cpu,cpuacct\n"
        + "34 30 0:29 / /sys/fs/cgroup/cpuset rw,relatime shared:8 - cgroup cgroup rw,cpuset\n"
        + "32 30 0:27 / /sys/fs/cgroup/systemd rw shared:6 - cgroup cgroup rw,xattr,name=systemd\n";

    [Fact]
    public void Finds_v2_where_it_is_the_only_one() =>
        Assert.Equal([new("/sys/fs/cgroup", "/", IsV1: false)], Parse(V2));

    [Fact]
    public void Finds_v1s_cpuset_hierarchy_and_no_other_controllers() =>
        Assert.Equal([new("/sys/fs/cgroup/cpuset", "/", IsV1: true)], Parse(V1));

    [Fact]
    public void Finds_both_on_a_hybrid_machine() =>
        Assert.Equal(
            [
                new("/sys/fs/cgroup/cpuset", "/", IsV1: true),
                new("/sys/fs/cgroup/unified", "/", IsV1: false),
            ],
            Parse(
                V1
                    + "31 30 0:26 / /sys/fs/cgroup/unified rw shared:5 - cgroup2 cgroup2 rw,nsdelegate\n"
            )
        );

    [Theory]
    [InlineData("30 23 0:26 / /cg rw - cgroup2 none rw", "/cg", "/")]
    [InlineData("30 23 0:26 / /cg rw shared:1 master:2 - cgroup2 none rw", "/cg", "/")]
    [InlineData(
        "30 23 0:26 / /cg rw shared:1 propagate_from:2 unbindable - cgroup2 x rw",
        "/cg",
        "/"
    )]
    [InlineData("30 23 0:26 / /my\\040cgroup rw - cgroup2 none rw", "/my cgroup", "/")]
    [InlineData("30 23 0:26 / /a\\011b\\012c\\134d rw - cgroup2 x rw", "/a\tb\nc\\d", "/")]
    [InlineData("30 23 0:26 / /gr\\303\\274n rw - cgroup2 x rw", "/grün", "/")]
    [InlineData("30 23 0:26 / /grün\\040💾 rw - cgroup2 x rw", "/grün 💾", "/")]
    [InlineData("30 23 0:26 / /odd\\04 rw - cgroup2 x rw", "/odd\\04", "/")]
    [InlineData("30 23 0:26 / /odd\\0 rw - cgroup2 x rw", "/odd\\0", "/")]
    [InlineData(
        "30 23 0:26 /../../.. /sys/fs/cgroup rw - cgroup2 x rw",
        "/sys/fs/cgroup",
        "/../../.."
    )]
    [InlineData(
        "30 23 0:26 /docker/ab /sys/fs/cgroup rw - cgroup2 x rw",
        "/sys/fs/cgroup",
        "/docker/ab"
    )]
    [InlineData("30 23 0:26 / - rw - cgroup2 x rw", "-", "/")]
    [InlineData("30 23 0:26 / /cg rw - cgroup cgroup rw,cpuset,noprefix", "/cg", "/")]
    public void Reads_optional_fields_escapes_and_roots(string line, string mountPoint, string root)
    {
        var mount = Assert.Single(Parse(line));

        Assert.Equal(mountPoint, mount.MountPoint);
        Assert.Equal(root, mount.Root);
    }

    [Theory]
    [InlineData("")]
    [InlineData("\n\n")]
    [InlineData("30 23 0:26 / /x rw - tmpfs cgroup rw")]
    [InlineData("30 23 0:26 / /x rw - cgroup cgroup rw,memory")]
    [InlineData("30 23 0:26 / /x rw - cgroup cgroup rw,cpusets")]
    [InlineData("30 23 0:26 / /x rw - cgroup3 cgroup rw,cpuset")]
    [InlineData("30 23 0:26 / /x rw shared:1 cgroup2 x rw")]
    [InlineData("30 23 0:26 / /x rw - cgroup2")]
    [InlineData("30 23 0:26 / /x rw - cgroup2 x")]
    [InlineData("30 - cgroup2 x rw")]
    [InlineData(" - cgroup")]
    [InlineData("30 23 0:26 / /mnt/-\\040cgroup2 rw - ext4 /dev/sda1 rw")]
    public void Passes_over_lines_that_mount_no_cpusets(string line) => Assert.Empty(Parse(line));

    private static CgroupMount[] Parse(string content) =>
        [.. MountInfo.ParseCgroups(Encoding.UTF8.GetBytes(content))];
}
