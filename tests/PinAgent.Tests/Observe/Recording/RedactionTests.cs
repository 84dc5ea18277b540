using System.Text;
using PinAgent.Observe.Proc;
using PinAgent.Observe.Qemu.CommandLine;
using PinAgent.Observe.Recording;
using Xunit;

namespace PinAgent.Tests.Observe.Recording;

/// <summary>What of a machine's files leaves it in a support bundle.</summary>
public sealed class RedactionTests
{
    [Fact]
    public void Of_a_command_line_only_what_tells_the_guests_CPUs()
    {
        var redacted = Redact(
            "/proc/7/cmdline",
            "/opt/secret-place/qemu-system-x86_64\0-name\0guest=a,,b,process=secret\0-object\0secret,id=s,data=hunter2"
                + "\0--smp\0"
                + "4,maxcpus=8\0-drive\0file=/vm/secret.img\0-machine\0pc-q35-9.2,secret=1\0-accel\0kvm\0-cpu\0host\0"
        );

        Assert.Equal(
            "qemu-system-x86_64\0-name\0guest=a,,b\0-object\0-smp\x00004,maxcpus=8\0-machine\0type=pc-q35-9.2\0-accel\0kvm\0-cpu\0",
            redacted
        );
    }

    [Theory]
    [InlineData("qemu-kvm\0-name\0guest=vm1,debug-threads=on\0-smp\x00002,sockets=2\0")]
    [InlineData("qemu-kvm\0-name\0vm1\0-M\0pc-i440fx-4.2\0-smp\x00003\0")]
    [InlineData("qemu-kvm\0-name\0vm1,process=secret,debug-threads=off\0-smp\x00002\0")]
    [InlineData("qemu-kvm\0-name\0guest=a,,debug-threads=on\0-smp\x00002\0")]
    [InlineData("qemu-kvm\0-name\0debug-threads=on\0-smp\x00002\0-machine\0none\0")]
    [InlineData("kvm\0-netdev\0user\0-device\0x\0-smp\x00002\0")]
    public void What_is_kept_says_the_same_of_the_guest(string line)
    {
        var redacted = Encoding.UTF8.GetBytes(Redact("/proc/7/cmdline", line)!);
        var bytes = Encoding.UTF8.GetBytes(line);

        Assert.Equal(QemuCommandLine.Parse(bytes), QemuCommandLine.Parse(redacted));
        Assert.Equal(
            QemuCommandLine.HasQemuOptions(bytes),
            QemuCommandLine.HasQemuOptions(redacted)
        );
    }

    [Theory]
    [InlineData("/proc/7/environ", "TOKEN=1\0", null)]
    [InlineData("/proc/7/maps", "7f00-7fff\n", null)]
    [InlineData("/proc/uptime", "1.0 2.0\n", "1.0 2.0\n")]
    [InlineData("/sys/devices/system/cpu/online", "0-3\n", "0-3\n")]
    [InlineData(
        "/proc/7/task/8/syscall",
        "16 0x1c 0xae80 0x0 0x7ffe 0x7f12\n",
        "16 0x1c 0xae80 \n"
    )]
    [InlineData(
        "/proc/7/task/8/status",
        "Name:\tx\nNSpid:\t8\nVmRSS:\t1\nCpus_allowed_list:\t0\n",
        "NSpid:\t8\nCpus_allowed_list:\t0\n"
    )]
    [InlineData(
        "/proc/1/mountinfo",
        "1 0 0:1 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n2 0 0:2 / /data rw - nfs server:/x rw\n",
        "1 0 0:1 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n"
    )]
    [InlineData("/proc/7/root/run/x", "[drive]\nfile = \"/s\"\n", "")]
    [InlineData(
        "/proc/7/root/etc/stat",
        "[name]\nguest = \"a\"\nprocess = \"b\"\n[smp-opts]\ncpus = \"2\"\n",
        "[name]\nguest = \"a\"\n[smp-opts]\ncpus = \"2\"\n"
    )]
    [InlineData("/proc/7/root/etc/shadow", "root:x:1\n", null)]
    public void Of_other_files_only_what_is_parsed(string path, string content, string? expected) =>
        Assert.Equal(expected, Redact(path, content));

    [Fact]
    public void Of_a_stat_line_nothing_behind_the_start_time()
    {
        var line = "7 (CPU 0) x) S 1 7 7 0 -1 4194560 0 0 0 0 51 7 0 0 20 0 9 0 1000 99 88 77\n";

        var redacted = Redact("/proc/7/stat", line)!;

        Assert.DoesNotContain("99", redacted, StringComparison.Ordinal);
        Assert.True(ProcStat.TryParse(Encoding.UTF8.GetBytes(redacted), out var stat));
        Assert.Equal(1000UL, stat.StartTime);
        Assert.Equal("CPU 0) x", Encoding.UTF8.GetString(stat.Name));
    }

    [Theory]
    [InlineData("/proc/7/exe", "/opt/secret/qemu-kvm", "qemu-kvm")]
    [InlineData("/proc/7/fd/9", "anon_inode:kvm-vcpu:3", "anon_inode:kvm-vcpu:3")]
    [InlineData("/proc/7/fd/3", "/vm/secret.img", null)]
    public void Of_links_only_programs_names_and_vCPUs(
        string path,
        string target,
        string? expected
    ) => Assert.Equal(expected, Redaction.Link(path, target));

    private static string? Redact(string path, string content) =>
        Redaction.File(path, Encoding.UTF8.GetBytes(content)) is { } bytes
            ? Encoding.UTF8.GetString(bytes)
            : null;
}
