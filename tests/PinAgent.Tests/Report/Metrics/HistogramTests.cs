using PinAgent.Report.Metrics;
using Xunit;

namespace PinAgent.Tests.Report.Metrics;

/// <summary>How long passes took.</summary>
public sealed class HistogramTests
{
    [Theory]
    [InlineData(0, 0)]
    [InlineData(0.1, 0)]
    [InlineData(1, 3)]
    [InlineData(1.1, 4)]
    [InlineData(5000, 14)]
    [InlineData(5001, 15)]
    public void A_time_is_counted_under_the_first_bound_that_holds_it(
        double milliseconds,
        int place
    )
    {
        var took = TimeSpan.FromMilliseconds(milliseconds);

        var histogram = Histogram.Empty.With(took);

        Assert.Equal(place, histogram.Counts.IndexOf(1));
        Assert.Equal(took, histogram.Sum);
    }
}
