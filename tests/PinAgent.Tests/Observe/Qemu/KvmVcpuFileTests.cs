using System.Text;
using PinAgent.Observe.Qemu;
using Xunit;

namespace PinAgent.Tests.Observe.Qemu;

/// <summary>The system call and the file by which a vCPU thread without a name is known.</summary>
public sealed class KvmVcpuFileTests
{
    [Theory]
    [InlineData("16 0x1c 0xae80 0x0 0x0 0x0 0x0 0x7f5c8e7fb4f8 0x7f5c9a51a9bf\n", 28)]
    [InlineData("29 0x1c 0xae80 0x0 0x0 0x0 0x0 0xffff8e7fb4f8 0xffff9a51a9bf\n", 28)]
    [InlineData("16 0x0 0xae80 0x0 0x0 0x0 0x0 0x7f 0x7f", 0)]
    [InlineData("16 0x7fffffff 0xae80 0x0 0x0 0x0 0x0 0x7f 0x7f", int.MaxValue)]
    [InlineData("16 0x1c 0xAE80 0x0 0x0 0x0 0x0 0x7f 0x7f", 28)]
    public void Finds_the_file_that_a_thread_inside_KVM_RUN_uses(string line, int expected)
    {
        Assert.True(KvmVcpuFiles.TryParseKvmRun(Encoding.ASCII.GetBytes(line), out var descriptor));

        Assert.Equal(expected, descriptor);
    }

    [Theory]
    [InlineData("")]
    [InlineData("running\n")]
    [InlineData("-1 0x7ffe 0x7f12\n")]
    [InlineData("202 0x1c 0xae80 0x0 0x0 0x0 0x0 0x7f 0x7f\n")]
    [InlineData("16 0x1c 0xae81 0x0 0x0 0x0 0x0 0x7f 0x7f\n")]
    [InlineData("16 0x1c 0x5401 0x0 0x0 0x0 0x0 0x7f 0x7f\n")]
    [InlineData("16 0x1c\n")]
    [InlineData("16")]
    [InlineData("16 28 0xae80 0x0 0x0 0x0 0x0 0x7f 0x7f\n")]
    [InlineData("16 0x 0xae80 0x0\n")]
    [InlineData("16 0x1g 0xae80 0x0\n")]
    [InlineData("16 0x80000000 0xae80 0x0\n")]
    [InlineData("16 0xffffffffffffffff 0xae80 0x0\n")]
    [InlineData("16 0x1ffffffffffffffff 0xae80 0x0\n")]
    [InlineData("160 0x1c 0xae80 0x0\n")]
    [InlineData(" 16 0x1c 0xae80 0x0\n")]
    [InlineData("16  0x1c 0xae80 0x0\n")]
    public void Finds_none_where_a_thread_does_something_else(string line)
    {
        Assert.False(
            KvmVcpuFiles.TryParseKvmRun(Encoding.ASCII.GetBytes(line), out var descriptor)
        );

        Assert.Equal(0, descriptor);
    }

    [Theory]
    [InlineData("anon_inode:kvm-vcpu:0", 0)]
    [InlineData("anon_inode:kvm-vcpu:255", 255)]
    public void Knows_the_vCPU_behind_a_file(string target, int expected)
    {
        Assert.True(KvmVcpuFiles.TryParseTarget(Encoding.ASCII.GetBytes(target), out var vcpu));

        Assert.Equal(expected, vcpu);
    }

    [Theory]
    [InlineData("")]
    [InlineData("anon_inode:kvm-vm")]
    [InlineData("anon_inode:kvm-vcpu")]
    [InlineData("anon_inode:kvm-vcpu:")]
    [InlineData("anon_inode:kvm-vcpu:-1")]
    [InlineData("anon_inode:kvm-vcpu:+1")]
    [InlineData("anon_inode:kvm-vcpu: 1")]
    [InlineData("anon_inode:kvm-vcpu:1x")]
    [InlineData("anon_inode:kvm-vcpu:1 (deleted)")]
    [InlineData("anon_inode:kvm-vcpu:99999999999")]
    [InlineData("anon_inode:kvm-vcpu-stats:1")]
    [InlineData("/tmp/anon_inode:kvm-vcpu:1")]
    [InlineData("socket:[12345]")]
    public void Takes_other_files_for_what_they_are(string target) =>
        Assert.False(KvmVcpuFiles.TryParseTarget(Encoding.ASCII.GetBytes(target), out _));
}
