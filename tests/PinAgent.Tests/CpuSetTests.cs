using PinAgent.Model;
using Xunit;

namespace PinAgent.Tests;

public sealed class CpuSetTests
{
    [Theory]
    [InlineData("", "")]
    [InlineData("0-3,8", "0-3,8")]
    public void Reads_and_writes_the_kernels_list_format(string text, string expected) =>
        Assert.Equal(expected, CpuSet.Parse(text).ToString());
}
