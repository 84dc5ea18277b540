using System.Text;
using PinAgent.Model.Vm;
using PinAgent.Observe.Proc;
using Xunit;

namespace PinAgent.Tests.Realtime;

/// <summary>Priority and policy in <c>/proc/&lt;pid&gt;/stat</c>.</summary>
public sealed class ProcStatSchedulingTests
{
    private const string Line =
        "4715 (CPU 0) 1 (x) S 4708 4711 4711 0 -1 138412096 105 0 0 0 51 7 0 0 -2 0 9 0 123456 1200345088 28000 "
        + "18446744073709551615 1 1 0 0 0 0 268444224 4096 81992 0 0 0 -1 3 17 1 0 0 0 0 0 0 0 0 0 0 0\n";

    [Fact]
    public void Is_read_behind_a_name_with_brackets() =>
        Assert.Equal(
            new ThreadScheduling(SchedulingPolicy.Fifo, 17),
            ProcStatScheduling.TryParse(Encoding.ASCII.GetBytes(Line))
        );

    [Fact]
    public void A_line_cut_short_gives_nothing_or_the_same()
    {
        var line = Encoding.ASCII.GetBytes(Line);
        for (var length = 0; length < line.Length; length++)
        {
            Assert.Contains(
                ProcStatScheduling.TryParse(line.AsSpan(0, length))?.ToString(),
                new[] { null, "FIFO 17" }
            );
        }
    }

    [Theory]
    [InlineData(" 17 1 ", " x 1 ")]
    [InlineData(" 17 1 ", " 17 x ")]
    [InlineData(" 17 1 ", " -1 1 ")]
    public void Anything_but_numbers_gives_nothing(string good, string bad) =>
        Assert.Null(
            ProcStatScheduling.TryParse(
                Encoding.ASCII.GetBytes(Line.Replace(good, bad, StringComparison.Ordinal))
            )
        );
}
