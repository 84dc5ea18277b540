using System.Text;
using PinAgent.Model.Cpu;
using Xunit;

namespace PinAgent.Tests.Model;

/// <summary>The kernel's lists of CPUs, as cpusets, masks and sysfs write them.</summary>
public sealed class CpuSetTests
{
    [Theory]
    [InlineData("", "", 0)]
    [InlineData("\n", "", 0)]
    [InlineData("0", "0", 1)]
    [InlineData("0-3,8\n", "0-3,8", 5)]
    [InlineData("0-1,6-7,14-15", "0-1,6-7,14-15", 6)]
    [InlineData("  2-5\t\r\n", "2-5", 4)]
    [InlineData("8,2-3,0", "0,2-3,8", 4)]
    [InlineData("0,1,2,3", "0-3", 4)]
    [InlineData("0-3,2-5", "0-5", 6)]
    [InlineData("4,4,4", "4", 1)]
    [InlineData("7-7", "7", 1)]
    [InlineData("63-64", "63-64", 2)]
    [InlineData("0,64,128", "0,64,128", 3)]
    [InlineData("1000-1535", "1000-1535", 536)]
    [InlineData("65535", "65535", 1)]
    [InlineData("007", "7", 1)]
    public void Reads_and_writes_the_kernels_list_format(string text, string expected, int count)
    {
        Assert.True(CpuSet.TryParse(text, out var cpus, out var error), error);

        Assert.Equal(expected, cpus.ToString());
        Assert.Equal(count, cpus.Count);
        Assert.Equal(count == 0, cpus.IsEmpty);
        Assert.Equal(cpus, CpuSet.Parse(expected));
    }

    [Theory]
    [InlineData("(null)")]
    [InlineData("all")]
    [InlineData("0-")]
    [InlineData("-1")]
    [InlineData("-")]
    [InlineData(",")]
    [InlineData("0,")]
    [InlineData(",0")]
    [InlineData("0,,2")]
    [InlineData("0-3-5")]
    [InlineData("0--3")]
    [InlineData("+1")]
    [InlineData("0, 2")]
    [InlineData("0 - 3")]
    [InlineData("0-3\n8")]
    [InlineData("0-31:2/4")]
    [InlineData("0x3")]
    [InlineData("ffff,ffffffff")]
    [InlineData("1.5")]
    [InlineData("٣")]
    [InlineData("0\0")]
    [InlineData("65536")]
    [InlineData("0-65536")]
    [InlineData("4294967296")]
    [InlineData("99999999999999999999")]
    public void Refuses_what_isnt_a_list_and_quotes_it(string text)
    {
        Assert.False(CpuSet.TryParse(text, out var cpus, out var error));

        Assert.Null(cpus);
        Assert.Contains("expected a list of CPUs like 0-3,8", error, StringComparison.Ordinal);
        Assert.Contains(text, error, StringComparison.Ordinal);
        Assert.Equal(error, Assert.Throws<FormatException>(() => CpuSet.Parse(text)).Message);
    }

    [Fact]
    public void Refuses_a_range_that_goes_down()
    {
        Assert.False(CpuSet.TryParse("0,5-2", out _, out var error));

        Assert.Equal("expected ranges that go up, found 5-2 in \"0,5-2\"", error);
    }

    [Fact]
    public void Quotes_only_the_beginning_of_a_long_text()
    {
        Assert.False(CpuSet.TryParse(new string('x', 5000), out _, out var error));

        Assert.Contains("…\"", error, StringComparison.Ordinal);
        Assert.InRange(error.Length, 60, 200);
    }

    [Fact]
    public void Refuses_bytes_that_arent_text() =>
        Assert.False(CpuSet.TryParse([0x30, 0xff, 0xfe], out _, out _));

    [Theory]
    [InlineData(new[] { 3, 1, 2 }, "1-3")]
    [InlineData(new[] { 5, 5, 5 }, "5")]
    [InlineData(new[] { 1535, 0 }, "0,1535")]
    [InlineData(new int[0], "")]
    public void Takes_ids_in_any_order(int[] ids, string expected)
    {
        var cpus = CpuSet.Of(ids);

        Assert.Equal(expected, cpus.ToString());
        Assert.Equal(ids.Distinct().Order(), cpus);
    }

    [Theory]
    [InlineData(-1)]
    [InlineData(CpuSet.MaxId + 1)]
    [InlineData(int.MaxValue)]
    [InlineData(int.MinValue)]
    public void Refuses_ids_that_no_kernel_has(int id)
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => CpuSet.Of(id));
        Assert.False(CpuSet.Parse("0-3").Contains(id));
    }

    [Fact]
    public void Names_its_lowest_CPU()
    {
        Assert.Equal(130, CpuSet.Parse("130,200").First);
        Assert.Throws<InvalidOperationException>(() => CpuSet.Empty.First);
    }

    [Fact]
    public void Writes_a_mask_bit_by_bit_beyond_1024_CPUs()
    {
        var cpus = CpuSet.Parse("0,63-64,1024,1535");

        Assert.Equal(24, cpus.Mask.Length);
        Assert.Equal(0x8000_0000_0000_0001UL, cpus.Mask[0]);
        Assert.Equal(1UL, cpus.Mask[1]);
        Assert.Equal(1UL, cpus.Mask[16]);
        Assert.Equal(1UL << 63, cpus.Mask[23]);
        Assert.Equal(cpus, CpuSet.FromMask(cpus.Mask));
    }

    [Fact]
    public void Takes_a_mask_longer_than_the_kernel_needs()
    {
        var mask = new ulong[4096];
        mask[0] = 0b1100;

        Assert.Equal("2-3", CpuSet.FromMask(mask).ToString());
        Assert.Equal(CpuSet.Empty, CpuSet.FromMask(new ulong[16]));
        Assert.Equal(CpuSet.Empty, CpuSet.FromMask([]));
    }

    [Fact]
    public void Drops_the_bits_of_a_mask_beyond_its_limit()
    {
        var mask = new ulong[2048];
        mask[1] = 1;
        mask[^1] = ulong.MaxValue;

        Assert.Equal("64", CpuSet.FromMask(mask).ToString());
    }

    [Theory]
    [InlineData("0-1", new[] { 3UL }, true)]
    [InlineData("0-1", new[] { 3UL, 0UL, 0UL }, true)]
    [InlineData("0-1", new[] { 3UL, 0UL, 1UL }, false)]
    [InlineData("0-1", new[] { 1UL }, false)]
    [InlineData("0-1,64", new[] { 3UL }, false)]
    [InlineData("0-1", new ulong[0], false)]
    [InlineData("", new ulong[0], true)]
    [InlineData("", new[] { 0UL }, true)]
    [InlineData("", new[] { 1UL }, false)]
    public void Compares_itself_with_a_mask_of_any_length(
        string cpus,
        ulong[] mask,
        bool expected
    ) => Assert.Equal(expected, CpuSet.Parse(cpus).EqualsMask(mask));

    [Fact]
    public void Is_equal_however_it_was_made()
    {
        var read = CpuSet.Parse("2,64");
        var made = CpuSet.Of(64, 2);
        var cut = CpuSet.Parse("2,64,1500").Except(CpuSet.Of(1500));

        Assert.Equal(read, made);
        Assert.Equal(read, cut);
        Assert.Equal(read.GetHashCode(), made.GetHashCode());
        Assert.Equal(read.GetHashCode(), cut.GetHashCode());
        Assert.Equal(2, cut.Mask.Length);
        Assert.False(read.Equals(CpuSet.Of(2)));
        Assert.False(read.Equals(null));
        Assert.False(read.Equals((object)"2,64"));
    }

    [Fact]
    public void Reads_bytes_as_they_come_from_the_kernel() =>
        Assert.Equal(
            "0-1,4-5",
            CpuSet.TryParse(Encoding.ASCII.GetBytes("0-1,4-5\n"), out var cpus, out _)
                ? cpus.ToString()
                : null
        );
}
