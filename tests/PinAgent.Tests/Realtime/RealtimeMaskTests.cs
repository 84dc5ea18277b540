using PinAgent.Model.Kubernetes;
using Xunit;

namespace PinAgent.Tests.Realtime;

/// <summary><c>spec.domain.cpu.realtime.mask</c>, in libvirt's syntax as KubeVirt reads it.</summary>
public sealed class RealtimeMaskTests
{
    [Theory]
    [InlineData(null, "0 1 2 3 4 5 6 7")]
    [InlineData("", "0 1 2 3 4 5 6 7")]
    [InlineData("0", "0")]
    [InlineData("0-3", "0 1 2 3")]
    [InlineData("0-3,^1", "0 2 3")]
    [InlineData("^1,0-3", "0 2 3")]
    [InlineData("1,^1", "")]
    [InlineData("0-1,3,5-6", "0 1 3 5 6")]
    [InlineData("2-2", "2")]
    [InlineData("0-3,2-5,^3,^4", "0 1 2 5")]
    [InlineData(" 0 , 2-3 ,^3", "0 2")]
    [InlineData("^1", "")]
    [InlineData("6-2147483647", "6 7")]
    [InlineData("100", "")]
    public void Names_vcpus(string? text, string expected)
    {
        Assert.True(RealtimeMask.TryParse(text, out var mask, out var problem), problem);

        Assert.Equal(expected, string.Join(' ', Enumerable.Range(0, 8).Where(mask.Contains)));
    }

    [Theory]
    [InlineData(" ")]
    [InlineData(",")]
    [InlineData("0,")]
    [InlineData("a")]
    [InlineData("-1")]
    [InlineData("+1")]
    [InlineData("3-1")]
    [InlineData("1-")]
    [InlineData("1-2-3")]
    [InlineData("^")]
    [InlineData("^1-2")]
    [InlineData("^^1")]
    [InlineData("0 1")]
    [InlineData("0x1")]
    [InlineData("99999999999")]
    public void Says_what_it_does_not_understand(string text)
    {
        Assert.False(RealtimeMask.TryParse(text, out _, out var problem));

        Assert.EndsWith($" in \"{text}\"", problem, StringComparison.Ordinal);
    }
}
