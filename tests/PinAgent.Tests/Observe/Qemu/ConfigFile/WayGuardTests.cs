using System.Text;
using PinAgent.NativeInterop;
using PinAgent.NativeInterop.Files;
using PinAgent.Observe.Proc;
using PinAgent.Observe.Qemu.ConfigFile;
using Xunit;

namespace PinAgent.Tests.Observe.Qemu.ConfigFile;

/// <summary>Where the agent goes in another process's folders, by the kernel's table of mounts and the process's rights.</summary>
public sealed class WayGuardTests
{
    private const string Status =
        "Name:\tx\nUid:\t1\t2\t3\t107\nGid:\t1\t2\t3\t108\nGroups:\t5 6 \nCapEff:\t{0}\n";

    private const uint Regular = 0x8000;
    private const uint Folder = 0x4000;

    [Theory]
    [InlineData("/data", 10, 20UL)]
    // Stacked: the last one is what is seen. What was there before /data was mounted isn't any more.
    [InlineData("/data/in", 20, 31UL)]
    [InlineData("/a b\\", 10, 25UL)]
    [InlineData("/plain", 10, 10UL)]
    [InlineData("/nfs", 10, null)]
    [InlineData("/fuse", 10, null)]
    [InlineData("/on-nfs", 10, null)]
    [InlineData("/auto", 10, null)]
    [InlineData("/layers", 10, null)]
    public void Only_file_systems_of_this_machine_alone_are_entered(
        string path,
        int folderMount,
        ulong? expected
    ) => Assert.Equal(expected, Guard().MountAt(path, (ulong)folderMount));

    [Fact]
    public void Layers_are_entered_where_the_host_itself_runs_from_them()
    {
        Assert.Equal(50UL, Guard(isHosts: true).MountAt("/layers", 10));
        Assert.Null(Guard(isHosts: true).MountAt("/nfs", 10));
    }

    [Theory]
    [InlineData("10 1 8:1 / / rw - ext4 /dev/x rw", true)]
    [InlineData("10 1 8:1 / / rw - nfs x:/ rw", false)]
    [InlineData("10 1 8:1 / / rw - ext4 /dev/x rw\n11 10 0:9 / / rw - fuse.sshfs x rw", false)]
    [InlineData("12 10 8:1 / /data rw - ext4 /dev/x rw", false)]
    [InlineData("10 1 8:1 / / rw ext4", false)]
    [InlineData("", false)]
    public void A_root_that_is_no_mount_of_this_machine_isnt_opened(string table, bool expected) =>
        Assert.Equal(
            expected,
            new WayGuard(
                MountTable.Parse(Encoding.UTF8.GetBytes(table)),
                false,
                Rights(),
                false
            ).MayOpenRoot
        );

    [Theory]
    [InlineData(107, 1, 0b100_000_000, true)]
    [InlineData(107, 1, 0b011_111_111, false)]
    [InlineData(1, 108, 0b000_100_000, true)]
    [InlineData(1, 6, 0b000_100_000, true)]
    [InlineData(1, 6, 0b100_011_111, false)]
    [InlineData(1, 1, 0b000_000_100, true)]
    [InlineData(1, 1, 0b111_111_011, false)]
    // The user id that counts for files is the last of the four.
    [InlineData(2, 2, 0b111_111_000, false)]
    public void A_file_is_read_with_the_rights_of_the_process(
        uint user,
        uint group,
        uint mode,
        bool expected
    )
    {
        Assert.Equal(expected, Rights().MayUse(new(Regular | mode, user, group, 0, 0)));
        Assert.True(Rights("0000000000000004").MayUse(new(Regular | mode, user, group, 0, 0)));
        Assert.True(Rights("0000000000000002").MayUse(new(Regular | mode, user, group, 0, 0)));
        Assert.Equal(
            expected,
            Rights("00000000fffffff9").MayUse(new(Regular | mode, user, group, 0, 0))
        );
    }

    [Theory]
    [InlineData(0b001_000_000, true)]
    [InlineData(0b110_111_111, false)]
    public void A_folder_is_gone_through_by_its_execute_bit(uint mode, bool expected) =>
        Assert.Equal(expected, Rights().MayUse(new(Folder | mode, 107, 0, 0, 0)));

    [Theory]
    [InlineData("Uid:\t0\t0\t0\t0\n")]
    [InlineData("Uid:\t0\t0\n Gid:\t0\t0\t0\t0\n")]
    [InlineData("Name:\tUid:\t0\t0\t0\t0\nGid:\t0\t0\t0\t0\n")]
    public void Rights_that_arent_said_are_none(string status) =>
        Assert.Null(ProcessRights.Parse(Encoding.UTF8.GetBytes(status)));

    [Fact]
    public void Roots_file_is_read_for_who_was_root_only_if_nobody_else_had_a_say_on_the_way()
    {
        PlaceStatus open = new(Folder | 0b111_111_111, 0, 0, 0, 0);
        PlaceStatus closed = new(Folder | 0b111_000_000, 0, 0, 0, 0);
        PlaceStatus file = new(Regular | 0b110_000_000, 0, 0, 0, 0);

        Assert.True(Way(wasRoot: true, isHosts: true, closed, file));
        Assert.False(Way(wasRoot: false, isHosts: true, closed, file));
        Assert.False(Way(wasRoot: true, isHosts: false, closed, file));
        Assert.False(Way(wasRoot: true, isHosts: true, open, file));
        Assert.False(Way(wasRoot: true, isHosts: true, closed, file with { Uid = 107 + 1 }));
        Assert.False(Way(wasRoot: true, isHosts: true, closed, new(0xA1FF, 107, 0, 0, 0), file));
    }

    private static bool Way(bool wasRoot, bool isHosts, params PlaceStatus[] places)
    {
        var guard = new WayGuard(MountTable.Parse([]), isHosts, Rights(), wasRoot);
        return Array.TrueForAll(places, place => guard.Judge(place).Errno == Errno.None);
    }

    private static ProcessRights Rights(string capabilities = "0000000000000000") =>
        ProcessRights.Parse(
            Encoding.UTF8.GetBytes(Status.Replace("{0}", capabilities, StringComparison.Ordinal))
        )!;

    private static WayGuard Guard(bool isHosts = false) =>
        new(
            MountTable.Parse(
                """
                10 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw
                20 10 8:1 / /data rw - xfs /dev/sdb rw
                21 10 8:1 / /data/in rw - nfs server:/ rw
                30 20 8:1 / /data/in rw - btrfs /dev/sdb rw
                31 30 0:5 / /data/in rw master:1 propagate_from:2 - tmpfs none rw
                25 10 0:6 / /a\040b\134 rw - tmpfs none rw
                40 10 0:7 / /nfs rw - nfs4 server:/ rw
                41 10 0:8 / /fuse rw - fuse.sshfs user@host: rw
                42 10 0:9 / /on-nfs rw - nfs4 server:/ rw
                43 42 0:10 / /on-nfs rw - tmpfs none rw
                44 10 0:11 / /auto rw - autofs systemd-1 rw
                50 10 0:12 / /layers rw - overlay overlay rw,lowerdir=/x
                nonsense
                99 10 0:13 / /plain rw
                """u8
            ),
            isHosts,
            Rights(),
            wasRoot: false
        );
}
