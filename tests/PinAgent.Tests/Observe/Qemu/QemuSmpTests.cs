using Xunit;

namespace PinAgent.Tests.Observe.Qemu;

/// <summary>
/// QEMU's <c>-smp</c>, with what it leaves out filled in as <c>machine_parse_smp_config()</c> does.
/// </summary>
public sealed class QemuSmpTests
{
    [Theory]
    [InlineData("4", "1×4×1", 4)]
    [InlineData("cpus=4", "1×4×1", 4)]
    [InlineData("maxcpus=4", "1×4×1", 4)]
    [InlineData("2,maxcpus=8", "1×8×1", 2)]
    [InlineData("8,sockets=2", "2×4×1", 8)]
    [InlineData("8,cores=2", "4×2×1", 8)]
    [InlineData("8,threads=2", "1×4×2", 8)]
    [InlineData("8,sockets=2,threads=2", "2×2×2", 8)]
    [InlineData("8,cores=2,threads=2", "2×2×2", 8)]
    [InlineData("16,sockets=2,cores=4", "2×4×2", 16)]
    [InlineData("16,sockets=2,cores=4,threads=2", "2×4×2", 16)]
    [InlineData("sockets=2,cores=4,threads=2", "2×4×2", 16)]
    [InlineData("cores=4", "1×4×1", 4)]
    [InlineData("sockets=2", "2×1×1", 2)]
    [InlineData("threads=2", "1×1×2", 2)]
    [InlineData("1,maxcpus=6,sockets=3,cores=1,threads=2", "3×1×2", 1)]
    [InlineData("threads=1,cores=2,sockets=2,cpus=3,maxcpus=4", "2×2×1", 3)]
    public void Prefers_cores_since_machine_types_6_2(string smp, string full, int boot) =>
        Check("pc-q35-9.2", smp, full, boot);

    [Theory]
    [InlineData("4", "4×1×1", 4)]
    [InlineData("2,maxcpus=8", "8×1×1", 2)]
    [InlineData("8,sockets=2", "2×4×1", 8)]
    [InlineData("8,cores=2", "4×2×1", 8)]
    [InlineData("8,threads=2", "4×1×2", 8)]
    [InlineData("8,sockets=2,threads=2", "2×2×2", 8)]
    [InlineData("16,sockets=2,cores=4", "2×4×2", 16)]
    [InlineData("8,dies=2", "4×2×1", 8)]
    [InlineData("sockets=2,cores=4", "2×4×1", 8)]
    public void Prefers_sockets_before_machine_types_6_2(string smp, string full, int boot)
    {
        Check("pc-i440fx-6.1", smp, full, boot);
        Check("type=pc-q35-2.12,accel=kvm", smp, full, boot);
        Check("accel=kvm,type=virt-5.0", smp, full, boot);
    }

    [Theory]
    [InlineData("pc-i440fx-6.2")]
    [InlineData("pc-q35-6.10")]
    [InlineData("virt-10.0")]
    [InlineData("pc")]
    [InlineData("q35")]
    [InlineData("microvm")]
    [InlineData("")]
    [InlineData("accel=kvm")]
    [InlineData("pc-q35-rhel9.4.0")]
    [InlineData("pc-q35-x.y")]
    [InlineData("s390-ccw-virtio")]
    public void Prefers_cores_on_machine_types_without_an_old_version(string machine) =>
        Check(machine, "4", "1×4×1", 4);

    [Theory]
    [InlineData("16,sockets=2,dies=2,cores=2,threads=2", "2×4×2", 16)]
    [InlineData("16,sockets=2,clusters=2,cores=2,threads=2", "2×4×2", 16)]
    [InlineData("16,sockets=2,modules=2,cores=2,threads=2", "2×4×2", 16)]
    [InlineData("32,dies=2,clusters=2,modules=2,cores=2,threads=2", "1×16×2", 32)]
    [InlineData("16,dies=2,threads=2", "1×8×2", 16)]
    [InlineData("32,drawers=2,books=2,sockets=2,cores=4", "8×4×1", 32)]
    [InlineData("4,dies=1,clusters=1,modules=1,books=1,drawers=1", "1×4×1", 4)]
    public void Counts_dies_clusters_and_modules_as_cores(string smp, string full, int boot) =>
        Check("q35", smp, full, boot);

    [Theory]
    [InlineData("65536", "1×65536×1", 65_536)]
    [InlineData("0,sockets=2,cores=2,threads=1", "2×2×1", 4)]
    [InlineData("4,sockets=0,cores=0,threads=0", "1×4×1", 4)]
    public void Accepts_the_ends_of_what_QEMU_accepts(string smp, string full, int boot) =>
        Check("q35", smp, full, boot);

    [Fact]
    public void Adds_up_several_smp_options_as_QEMU_does()
    {
        var line = QemuCommandLineTests.Parse("-smp", "4,sockets=1", "-smp", "sockets=2,threads=2");

        Assert.Equal("2×1×2", line.Guest.Full.ToString());
        Assert.Equal(4, line.Guest.BootVcpus);
    }

    [Theory]
    [InlineData("")]
    [InlineData("four")]
    [InlineData("-4")]
    [InlineData("4.0")]
    [InlineData("4 ")]
    [InlineData("cpus=")]
    [InlineData("4,sockets=x")]
    [InlineData("4,sockets")]
    [InlineData("65537")]
    [InlineData("4,maxcpus=65537")]
    [InlineData("99999999999999999999")]
    [InlineData("8,maxcpus=4")]
    [InlineData("sockets=256,cores=256,threads=2")]
    [InlineData("sockets=65536,cores=65536,threads=65536")]
    [InlineData("4,dies=65536,clusters=65536,modules=65536,books=65536")]
    [InlineData("dies=65536,clusters=65536,modules=65536,books=65536,drawers=65536,cores=65536")]
    [InlineData("4,dies=8")]
    [InlineData("5,cores=2")]
    [InlineData("4,sockets=4,cores=2,threads=1")]
    [InlineData("4,sockets=1,cores=2,threads=1")]
    public void Says_what_is_wrong_with_numbers_that_QEMU_would_refuse(string smp)
    {
        var line = QemuCommandLineTests.Parse("-name", "vm1", "-smp", smp);

        Assert.StartsWith("QEMU's -smp: expected ", line.Problem, StringComparison.Ordinal);
        Assert.Equal("vm1", line.GuestName);
        Assert.Equal(1, line.Guest.BootVcpus);
    }

    private static void Check(string machine, string smp, string full, int boot)
    {
        var line = QemuCommandLineTests.Parse("-machine", machine, "-smp", smp);

        Assert.Null(line.Problem);
        Assert.Equal(full, line.Guest.Full.ToString());
        Assert.Equal(boot, line.Guest.BootVcpus);
    }
}
