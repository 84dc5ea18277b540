using System.Text;
using PinAgent.Model.Vm;
using PinAgent.Observe.Qemu;
using Xunit;
using Kind = PinAgent.Observe.Qemu.ThreadName.Kind;

namespace PinAgent.Tests.Observe.Qemu;

/// <summary>Thread names, QEMU's and those of programs that would like to be taken for it.</summary>
public sealed class ThreadNameTests
{
    [Theory]
    [InlineData("CPU 0/KVM", 0)]
    [InlineData("CPU 7/KVM", 7)]
    [InlineData("CPU 10/TCG", 10)]
    [InlineData("CPU 255/MSHV", 255)]
    [InlineData("CPU 1/HVF", 1)]
    [InlineData("CPU 3/DUMMY", 3)]
    [InlineData("CPU 9999999/KVM", 9_999_999)]
    public void Knows_vCPU_threads_of_every_accelerator(string name, int number) =>
        Check(name, Kind.Vcpu, number, ThreadRole.Vcpu);

    [Theory]
    [InlineData("CPU 0/KVM ")]
    [InlineData(" CPU 0/KVM")]
    [InlineData("CPU 0/KVM\n")]
    [InlineData("\nCPU 0/KVM")]
    [InlineData("CPU 0\n/KVM")]
    [InlineData("CPU 0/KVM\0")]
    [InlineData("CPU -1/KVM")]
    [InlineData("CPU +1/KVM")]
    [InlineData("CPU 99999999999/KVM")]
    [InlineData("CPU 4294967296/KVM")]
    [InlineData("CPU 0/kvm")]
    [InlineData("CPU 0/KVM2")]
    [InlineData("CPU 0/K M")]
    [InlineData("CPU 0/")]
    [InlineData("CPU 0")]
    [InlineData("CPU /KVM")]
    [InlineData("CPU ")]
    [InlineData("CPU")]
    [InlineData("CPU  0/KVM")]
    [InlineData("CPU 0 /KVM")]
    [InlineData("CPU 0//KVM")]
    [InlineData("CPU 0/KVM/KVM")]
    [InlineData("CPU 0x1/KVM")]
    [InlineData("CPU 0/K\xc3\x84M")]
    [InlineData("CPU 0/KVM\xff")]
    [InlineData("cpu 0/KVM")]
    [InlineData("XCPU 0/KVM")]
    [InlineData("CPU\t0/KVM")]
    [InlineData("qemu-system-x86")]
    [InlineData("worker")]
    [InlineData("call_rcu")]
    [InlineData("vnc_worker")]
    [InlineData("SPICE Worker")]
    [InlineData("live_migration")]
    [InlineData("mig/src/main")]
    [InlineData("multifdsend_0")]
    [InlineData("IO mon_iothread")]
    [InlineData("IO")]
    [InlineData("io iothread1")]
    [InlineData("vhost")]
    [InlineData("kvm")]
    [InlineData("ALL CPUs")]
    [InlineData("ALL CPUs/")]
    [InlineData("ALL CPUs/tcg")]
    [InlineData("ALL CPU/TCG")]
    [InlineData("")]
    [InlineData("\xff\xfe")]
    public void Takes_other_names_for_helpers(string name) =>
        Check(name, Kind.Other, null, ThreadRole.Helper);

    [Theory]
    [InlineData("IO iothread1", 1)]
    [InlineData("IO iothread16", 16)]
    [InlineData("IO iothread0", 0)]
    [InlineData("IO iothread123", 123)]
    // Fifteen bytes: QEMU may have cut more off, and other numbers begin so.
    [InlineData("IO iothread1234", null)]
    [InlineData("IO disk0", null)]
    [InlineData("IO iothread", null)]
    [InlineData("IO iothread1x", null)]
    [InlineData("IO iothread-1", null)]
    [InlineData("IO iothread999999", null)]
    [InlineData("IO IOTHREAD1", null)]
    public void Knows_IO_threads_and_the_numbers_libvirt_gives_them(string name, int? number) =>
        Check(name, Kind.IoThread, number, ThreadRole.IoThread);

    [Theory]
    [InlineData("vhost-4711", 4711)]
    [InlineData("vhost-4194304", 4_194_304)]
    [InlineData("vhost-", null)]
    [InlineData("vhost-x", null)]
    [InlineData("vhost-47x", null)]
    [InlineData("vhost--47", null)]
    [InlineData("vhost-9999999999", null)]
    public void Knows_vhost_workers_by_QEMUs_process_id(string name, int? number) =>
        Check(name, Kind.Vhost, number, ThreadRole.Vhost);

    [Theory]
    [InlineData("kvm-pit/77", 77)]
    [InlineData("kvm-pit/", null)]
    [InlineData("kvm-pit/7 7", null)]
    public void Knows_the_kernels_timer_thread(string name, int? number) =>
        Check(name, Kind.KvmPit, number, ThreadRole.KvmPit);

    [Theory]
    [InlineData("kvm-nx-lpage-recovery")]
    [InlineData("kvm-nx-lpage-re")]
    public void Knows_the_threads_that_the_kernel_puts_into_QEMU(string name) =>
        Check(name, Kind.Kernel, null, ThreadRole.Helper);

    [Fact]
    public void Knows_the_one_thread_that_runs_all_vCPUs() =>
        Check("ALL CPUs/TCG", Kind.AllVcpus, null, ThreadRole.Helper);

    [Theory]
    [InlineData("CPU 0/KVM", "CPU 0/KVM")]
    [InlineData("gr\xc3\xbcn", "grün")]
    [InlineData("\xf0\x9f\x92\xbe", "💾")]
    [InlineData("", "")]
    [InlineData("a\nb\tc", "a\ufffdb\ufffdc")]
    [InlineData("\x1b[31mred", "\ufffd[31mred")]
    [InlineData("del\x7f", "del\ufffd")]
    [InlineData("\xc2\x9b" + "31m", "\ufffd31m")]
    [InlineData("\xe2\x80\xaerev", "\ufffdrev")]
    [InlineData("line\xe2\x80\xa8sep", "line\ufffdsep")]
    [InlineData("\xff\xfe", "\ufffd\ufffd")]
    [InlineData("cut\xc3", "cut\ufffd")]
    public void Shows_a_name_without_what_a_terminal_would_act_on(string name, string expected) =>
        Assert.Equal(expected, ThreadName.Printable(Encoding.Latin1.GetBytes(name)));

    private static void Check(string name, Kind what, int? number, ThreadRole role)
    {
        var parsed = ThreadName.Parse(Encoding.Latin1.GetBytes(name));

        Assert.Equal(new ThreadName(what, number), parsed);
        Assert.Equal(role, parsed.Role);
    }
}
