using System.Text;
using PinAgent.Observe.Qemu.CommandLine;
using Xunit;

namespace PinAgent.Tests.Observe.Qemu;

/// <summary>QEMU's command line: who the guest is, and whether this is a QEMU at all.</summary>
public sealed class QemuCommandLineTests
{
    [Theory]
    [InlineData("vm1", "vm1")]
    [InlineData("guest=default_vm1", "default_vm1")]
    [InlineData("guest=default_vm1,debug-threads=on", "default_vm1")]
    [InlineData("debug-threads=on,guest=default_vm1", "default_vm1")]
    [InlineData("vm1,debug-threads=on", "vm1")]
    [InlineData("vm1,process=qemu:vm1", "vm1")]
    [InlineData("guest=a,,b", "a,b")]
    [InlineData("guest=a,,b,debug-threads=on", "a,b")]
    [InlineData("a,,b", "a,b")]
    [InlineData("guest=,,", ",")]
    [InlineData("guest=a,,,debug-threads=on", "a,")]
    [InlineData("guest=x=y", "x=y")]
    [InlineData("guest=with blank and grün", "with blank and grün")]
    [InlineData("guest=a,guest=b", "b")]
    [InlineData("debug-threads=on", null)]
    [InlineData("guest=", null)]
    [InlineData("", null)]
    public void Reads_the_guests_name(string value, string? expected)
    {
        Assert.Equal(expected, Parse("-name", value).GuestName);
        Assert.Equal(expected, Parse("--name", value).GuestName);
    }

    [Fact]
    public void A_guests_name_cannot_write_lines_of_its_own_into_the_log()
    {
        var line = QemuCommandLine.Parse(
            "qemu-kvm\0-name\0guest=evil\u001b[31m\n00:00 INFO all is well\0"u8
        );

        Assert.Equal("evil�[31m�00:00 INFO all is well", line.GuestName);
    }

    [Fact]
    public void Has_one_CPU_and_no_name_without_options()
    {
        var line = Parse();

        Assert.Null(line.GuestName);
        Assert.Equal("1×1×1", line.Guest.Full.ToString());
        Assert.Equal(1, line.Guest.BootVcpus);
        Assert.Null(line.Problem);
        Assert.False(line.HasNoMachine);
    }

    [Fact]
    public void Reads_the_command_line_that_libvirt_writes_for_KubeVirt()
    {
        var line = Parse(
            "-name",
            "guest=default_vm1,debug-threads=on",
            "-S",
            "-object",
            "{\"qom-type\":\"secret\",\"id\":\"masterKey0\"}",
            "-machine",
            "pc-q35-rhel9.4.0,usb=off,smm=on,dump-guest-core=off,memory-backend=pc.ram",
            "-accel",
            "kvm",
            "-cpu",
            "host,migratable=on",
            "-m",
            "size=2097152k",
            "-overcommit",
            "mem-lock=off",
            "-smp",
            "2,maxcpus=8,sockets=4,dies=1,clusters=1,cores=1,threads=2",
            "-uuid",
            "9c3a8c5e-3b1f-5c4f-8c6e-8f8d3b9f3a10"
        );

        Assert.Equal("default_vm1", line.GuestName);
        Assert.Equal("4×1×2", line.Guest.Full.ToString());
        Assert.Equal(2, line.Guest.BootVcpus);
        Assert.Null(line.Problem);
    }

    [Fact]
    public void Takes_no_option_out_of_anothers_value()
    {
        var line = Parse("-append", "-smp 8 -name evil", "-name", "vm1", "-kernel", "/-smp");

        Assert.Equal("vm1", line.GuestName);
        Assert.Equal(1, line.Guest.BootVcpus);
    }

    [Theory]
    [InlineData("none", true)]
    [InlineData("none,accel=kvm:tcg", true)]
    [InlineData("type=none", true)]
    [InlineData("accel=kvm,type=none", true)]
    [InlineData("q35", false)]
    [InlineData("q35,accel=none", false)]
    [InlineData("accel=kvm", false)]
    public void Knows_a_probe_without_a_machine(string value, bool expected)
    {
        Assert.Equal(expected, Parse("-machine", value).HasNoMachine);
        Assert.Equal(expected, Parse("-M", value).HasNoMachine);
    }

    [Theory]
    [InlineData("qemu-kvm")]
    [InlineData("/usr/libexec/qemu-kvm")]
    [InlineData("/usr/bin/qemu-system-x86_64")]
    [InlineData("qemu-system-x86")]
    [InlineData("qemu-system-aar")]
    [InlineData("/run/libvirt/nix-emulators/qemu-system-s390x")]
    [InlineData("/usr/bin/qemu-system-x86_64 (deleted)")]
    public void Knows_QEMU_by_its_file_or_thread_name(string name) =>
        Assert.True(QemuCommandLine.IsQemuName(Encoding.UTF8.GetBytes(name)));

    [Theory]
    [InlineData("")]
    [InlineData("/")]
    [InlineData("qemu")]
    [InlineData("qemu-img")]
    [InlineData("qemu-ga")]
    [InlineData("qemu-nbd")]
    [InlineData("qemu-x86_64-static")]
    [InlineData("qemu-system")]
    [InlineData("my-qemu-kvm")]
    [InlineData("qemu-kvm-wrapper")]
    [InlineData("/usr/bin/qemu-kvm/sh")]
    [InlineData("QEMU-KVM")]
    [InlineData("virt-launcher")]
    [InlineData("/bin/bash")]
    public void Takes_other_programs_for_what_they_are(string name) =>
        Assert.False(QemuCommandLine.IsQemuName(Encoding.UTF8.GetBytes(name)));

    [Theory]
    [InlineData(true, "-machine", "q35", "-smp", "4")]
    [InlineData(true, "--machine", "q35", "--smp", "4")]
    [InlineData(true, "-id", "100", "-chardev", "socket,id=qmp", "-cpu", "host")]
    [InlineData(false)]
    [InlineData(false, "-smp", "4")]
    [InlineData(false, "-smp", "4", "-smp", "4")]
    [InlineData(false, "-name", "vm1", "--verbose")]
    [InlineData(false, "machine", "smp", "cpu")]
    [InlineData(false, "-machines", "-smp4", "-", "--")]
    [InlineData(false, "--name=vm1", "--cpu=4")]
    public void Tells_QEMUs_arguments_from_other_programs(bool expected, params string[] arguments)
    {
        Assert.Equal(
            expected,
            QemuCommandLine.HasQemuOptions(FakeProcess.Join(["/usr/bin/kvm", .. arguments]))
        );
    }

    [Theory]
    [InlineData("/usr/bin/kvm\0-smp\0" + "4\0", "/usr/bin/kvm")]
    [InlineData("/usr/bin/kvm", "/usr/bin/kvm")]
    [InlineData("\0-smp", "")]
    [InlineData("", "")]
    public void Finds_the_programs_name(string commandLine, string expected) =>
        Assert.Equal(
            expected,
            Encoding.UTF8.GetString(QemuCommandLine.Program(Encoding.UTF8.GetBytes(commandLine)))
        );

    [Fact]
    public void Survives_arguments_that_arent_UTF_8() =>
        Assert.Equal(
            "\ufffd",
            QemuCommandLine.Parse([0x71, 0, 0x2d, 0x6e, 0x61, 0x6d, 0x65, 0, 0xff, 0]).GuestName
        );

    internal static QemuCommandLine Parse(params string[] arguments) =>
        QemuCommandLine.Parse(FakeProcess.Join(["/usr/bin/qemu-system-x86_64", .. arguments]));
}
