using System.Collections.Immutable;
using CsCheck;
using PinAgent.Report.Proof;
using Xunit;

namespace PinAgent.Tests.Report.Proof;

/// <summary>Lengths of time in classes, and what is told of them.</summary>
public sealed class LatencyClassesTests
{
    [Fact]
    public void A_class_tells_a_quarter_too_much_at_most_and_never_too_little() =>
        Gen.ULong.Sample(length =>
        {
            var told = LatencyClasses.Longest(LatencyClasses.Of(length));
            return told >= length && told - length <= length / 4;
        });

    [Fact]
    public void Each_class_begins_where_the_one_before_ends()
    {
        for (var i = 0; i < LatencyClasses.Of(ulong.MaxValue); i++)
        {
            Assert.Equal(i, LatencyClasses.Of(LatencyClasses.Longest(i)));
            Assert.Equal(i + 1, LatencyClasses.Of(LatencyClasses.Longest(i) + 1));
        }

        Assert.Equal(251, LatencyClasses.Of(ulong.MaxValue));
    }

    // Of a thousand, one is in the thousandth: p99.9 is still one of the others.
    [Theory]
    [InlineData(0.5, 1_000)]
    [InlineData(0.99, 1_000)]
    [InlineData(0.999, 1_000)]
    [InlineData(1, 5_000_000)]
    public void One_of_a_thousand_is_in_no_percentile_but_the_last(double share, ulong about)
    {
        var told = LatencyClasses.Percentile(
            Classes((1_000, 999), (5_000_000, 1)),
            share,
            5_000_000
        );

        Assert.InRange(told, about, about + (about / 4));
    }

    [Fact]
    public void No_percentile_is_longer_than_the_longest()
    {
        Assert.Equal(
            1_001UL,
            LatencyClasses.Percentile(Classes((1_001, 7)), share: 0.99, longest: 1_001)
        );
        Assert.Equal(0UL, LatencyClasses.Percentile(Classes(), share: 0.99, longest: 0));
    }

    private static ImmutableArray<ulong> Classes(params (ulong Length, ulong Count)[] lengths)
    {
        var classes = new ulong[256];
        foreach (var (length, count) in lengths)
        {
            classes[LatencyClasses.Of(length)] += count;
        }

        return [.. classes];
    }
}
