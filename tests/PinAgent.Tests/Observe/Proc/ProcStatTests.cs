using System.Text;
using PinAgent.Observe.Proc;
using Xunit;

namespace PinAgent.Tests.Observe.Proc;

/// <summary><c>/proc/&lt;pid&gt;/stat</c>, whatever the process calls itself.</summary>
public sealed class ProcStatTests
{
    // Fields 3 to 52 of a vCPU thread, start time 123456.
    private const string Rest =
        " S 4708 4711 4711 0 -1 138412096 105 0 0 0 51 7 0 0 20 0 9 0 123456 1200345088 28000 "
        + "18446744073709551615 1 1 0 0 0 0 268444224 4096 81992 0 0 0 -1 3 0 0 0 0 0 0 0 0 0 0 0 0 0\n";

    [Theory]
    [InlineData("CPU 0/KVM")]
    [InlineData("qemu-system-x86")]
    [InlineData("")]
    [InlineData(" ")]
    [InlineData(")")]
    [InlineData("(")]
    [InlineData("(sd-pam)")]
    [InlineData("a) R 1 2 3 (b")]
    [InlineData(") S 1 1 1 0 -1")]
    [InlineData("two\nlines")]
    [InlineData("\n)\n(\n")]
    [InlineData("CPU 0/KVM\n")]
    [InlineData("\xff\xfe\x80")]
    [InlineData("\x1b[31mred")]
    public void Reads_a_thread_name_with_brackets_and_newlines(string name)
    {
        Assert.True(ProcStat.TryParse(Bytes($"4715 ({name}){Rest}"), out var stat));

        Assert.Equal(name, Encoding.Latin1.GetString(stat.Name));
        Assert.Equal(4708, stat.Parent);
        Assert.Equal(58UL, stat.RunTime);
        Assert.Equal(123_456UL, stat.StartTime);
        Assert.False(stat.IsKernelThread);
    }

    [Theory]
    [InlineData(0x0020_8040, true)]
    [InlineData(0x0020_0000, true)]
    [InlineData(138_412_096, false)]
    [InlineData(0x0040_0100, false)]
    [InlineData(0, false)]
    public void Tells_the_kernels_own_threads_by_their_flag(long flags, bool expected)
    {
        var line = $"900 (vhost-4711) S 2 0 0 0 -1 {flags} 0 0 0 0 0 0 0 0 20 0 1 0 99 0 0\n";

        Assert.True(ProcStat.TryParse(Bytes(line), out var stat));

        Assert.Equal(expected, stat.IsKernelThread);
        Assert.Equal(99UL, stat.StartTime);
    }

    [Theory]
    [InlineData('S', 0x400000, false)]
    [InlineData('R', 0x400000, false)]
    [InlineData('R', 0x400004, true)]
    [InlineData('Z', 0x400004, true)]
    [InlineData('X', 0, true)]
    public void Tells_who_has_ended_or_is_about_to(char state, int flags, bool expected)
    {
        var line = $"900 (noise) {state} 2 0 0 0 -1 {flags} 0 0 0 0 0 0 0 0 20 0 1 0 99 0 0\n";

        Assert.True(ProcStat.TryParse(Bytes(line), out var stat));

        Assert.Equal(expected, stat.HasEnded);
    }

    [Theory]
    [InlineData("")]
    [InlineData("\n")]
    [InlineData("4715")]
    [InlineData("4715 CPU 0/KVM S 1 1 1 0 -1 0 0 0 0 0 0 0 0 0 20 0 9 0 5 0 0")]
    [InlineData("4715 )CPU 0/KVM( S 1 1 1 0 -1 0 0 0 0 0 0 0 0 0 20 0 9 0 5 0 0")]
    [InlineData("4715 (CPU 0/KVM")]
    [InlineData("4715 (CPU 0/KVM)")]
    [InlineData("4715 (CPU 0/KVM) ")]
    [InlineData("4715 (CPU 0/KVM) S")]
    [InlineData("4715 (CPU 0/KVM) S 1 1 1 0 -1 0")]
    [InlineData("4715 (CPU 0/KVM) S x 1 1 0 -1 0 0 0 0 0 0 0 0 0 20 0 9 0 5 0 0")]
    [InlineData("4715 (CPU 0/KVM) S 1 1 1 0 -1 x 0 0 0 0 0 0 0 0 20 0 9 0 5 0 0")]
    [InlineData("4715 (CPU 0/KVM) S 1 1 1 0 -1 0 0 0 0 0 x 0 0 0 20 0 9 0 5 0 0")]
    [InlineData("4715 (CPU 0/KVM) S 1 1 1 0 -1 0 0 0 0 0 0 x 0 0 20 0 9 0 5 0 0")]
    [InlineData("4715 (CPU 0/KVM) S 1 1 1 0 -1 0 0 0 0 0 0 0 0 0 20 0 9 0 x 0 0")]
    [InlineData("4715 (CPU 0/KVM) S 1 1 1 0 -1 0 0 0 0 0 0 0 0 0 20 0 9 0 -5 0 0")]
    [InlineData("4715 (CPU 0/KVM) S 1 1 1 0 -1 0 0 0 0 0 0 0 0 0 20 0 9 0 5x 0 0")]
    [InlineData("4715 (CPU 0/KVM) S -1 1 1 0 -1 0 0 0 0 0 0 0 0 0 20 0 9 0 5 0 0")]
    [InlineData("4715 (CPU 0/KVM) S 4294967296 1 1 0 -1 0 0 0 0 0 0 0 0 0 20 0 9 0 5 0 0")]
    [InlineData(
        "4715 (CPU 0/KVM) S 1 1 1 0 -1 0 0 0 0 0 0 0 0 0 20 0 9 0 99999999999999999999 0 0"
    )]
    public void Refuses_anything_but_a_whole_line(string line) =>
        Assert.False(ProcStat.TryParse(Bytes(line), out _));

    [Fact]
    public void Never_takes_a_line_cut_short_for_another_start_time()
    {
        var line = Bytes("4715 (CPU 0/KVM)" + Rest);
        for (var length = 0; length <= line.Length; length++)
        {
            if (ProcStat.TryParse(line.AsSpan(0, length), out var stat))
            {
                Assert.Equal("CPU 0/KVM", Encoding.Latin1.GetString(stat.Name));
                Assert.Equal(123_456UL, stat.StartTime);
            }
        }
    }

    private static byte[] Bytes(string latin1) => Encoding.Latin1.GetBytes(latin1);
}
