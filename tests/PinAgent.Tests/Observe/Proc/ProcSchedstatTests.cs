using System.Text;
using PinAgent.Observe.Proc;
using Xunit;

namespace PinAgent.Tests.Observe.Proc;

public sealed class ProcSchedstatTests
{
    [Theory]
    [InlineData("2301758 114532 57\n", 114_532UL)]
    [InlineData("0 0 0\n", 0UL)]
    [InlineData("1 18446744073709551615 1\n", ulong.MaxValue)]
    public void The_wait_is_the_second_number(string line, ulong delay) =>
        Assert.Equal(delay, ProcSchedstat.TryParseRunDelay(Encoding.ASCII.GetBytes(line)));

    [Theory]
    [InlineData("")]
    [InlineData("2301758")]
    [InlineData("2301758 ")]
    [InlineData("2301758 114532")]
    [InlineData(" 114532 57")]
    [InlineData("1 -2 3")]
    [InlineData("1 x 3")]
    [InlineData("1 18446744073709551616 1")]
    public void Anything_else_is_no_wait(string line) =>
        Assert.Null(ProcSchedstat.TryParseRunDelay(Encoding.ASCII.GetBytes(line)));
}
