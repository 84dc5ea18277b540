using PinAgent.Report.Waits;
using Xunit;

namespace PinAgent.Tests.Report.Waits;

/// <summary>One vCPU's waits: from readings of a counter to shares of the time.</summary>
public sealed class WaitSeriesTests
{
    private const ushort Unknown = WaitSeries.Unknown;

    [Theory]
    [InlineData(0, 0, 5, 0, 0.0)]
    [InlineData(0, 1_000_000_000, 5, 1_500_000_000, 0.1)]
    // A kernel that counts in ticks may say more than there was.
    [InlineData(0, 0, 5, 9_000_000_000, 1.0)]
    public void A_share_is_what_was_waited_of_what_passed(
        double then,
        ulong before,
        double now,
        ulong after,
        double share
    ) =>
        Assert.Equal(
            share,
            WaitSeries.Between(
                (TimeSpan.FromSeconds(then), before),
                (TimeSpan.FromSeconds(now), after)
            )
        );

    [Fact]
    public void A_counter_that_went_back_is_another_threads_and_no_time_has_no_share()
    {
        Assert.Null(WaitSeries.Between((TimeSpan.Zero, 2), (TimeSpan.FromSeconds(5), 1)));
        Assert.Null(WaitSeries.Between((TimeSpan.Zero, 2), (TimeSpan.Zero, 3)));
    }

    [Fact]
    public void The_first_reading_says_nothing_and_the_second_does()
    {
        var series = new WaitSeries();

        series.Take(10, TimeSpan.FromSeconds(50), 7_000_000_000);
        Assert.Null(series.Share);

        series.Take(11, TimeSpan.FromSeconds(55), 7_050_000_000);
        Assert.Equal(0.01, series.Share);
        Assert.Equal([Unknown, Unknown, 100], series.Last(11, 3));
    }

    [Fact]
    public void A_reading_that_comes_after_several_turns_fills_them_all()
    {
        var series = new WaitSeries();

        series.Take(10, TimeSpan.FromSeconds(50), 0);
        series.Take(13, TimeSpan.FromSeconds(65), 1_500_000_000);

        Assert.Equal([Unknown, 1000, 1000, 1000], series.Last(13, 4));
        // What isn't read yet is as it was.
        Assert.Equal([1000, 1000, 1000], series.Last(14, 3));
        Assert.Equal(0.1, series.Mean(14, 12));
    }

    [Fact]
    public void A_thread_that_cannot_be_read_is_unknown_from_then_on_and_begins_anew()
    {
        var series = new WaitSeries();
        series.Take(10, TimeSpan.FromSeconds(50), 0);
        series.Take(11, TimeSpan.FromSeconds(55), 500_000_000);

        series.Take(12, TimeSpan.FromSeconds(60), null);
        Assert.Null(series.Share);
        series.Take(14, TimeSpan.FromSeconds(70), 500_000_000);
        series.Take(15, TimeSpan.FromSeconds(75), 1_000_000_000);

        Assert.Equal([1000, Unknown, Unknown, Unknown, 1000], series.Last(15, 5));
    }

    [Fact]
    public void After_ten_minutes_the_oldest_gives_way()
    {
        var series = new WaitSeries();
        for (var turn = 0; turn <= 130; turn++)
        {
            series.Take(turn, TimeSpan.FromSeconds(5 * turn), (ulong)turn * 5_000_000);
        }

        Assert.Equal(120, series.Last(130, WaitSeries.Turns).Count());
        Assert.All(series.Last(130, WaitSeries.Turns), share => Assert.Equal(10, share));
        // And after a long silence nothing older is left of it.
        series.Take(1000, TimeSpan.FromSeconds(5000), 650_000_000);
        Assert.All(series.Last(1000, WaitSeries.Turns), share => Assert.Equal(0, share));
    }
}
