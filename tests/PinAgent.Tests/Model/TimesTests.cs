using PinAgent.Model.Text;
using Xunit;

namespace PinAgent.Tests.Model;

/// <summary>Times for people: never without their zone.</summary>
public sealed class TimesTests
{
    [Theory]
    [InlineData(0, "2026-03-14 09:26:53 UTC")]
    [InlineData(60, "2026-03-14 09:26:53 UTC+1")]
    [InlineData(-210, "2026-03-14 09:26:53 UTC-3:30")]
    [InlineData(345, "2026-03-14 09:26:53 UTC+5:45")]
    public void A_clock_is_told_with_its_distance_from_UTC(int minutes, string text) =>
        Assert.Equal(
            text,
            Times.Of(
                new DateTimeOffset(2026, 3, 14, 9, 26, 53, TimeSpan.FromMinutes(minutes)),
                "yyyy-MM-dd HH:mm:ss"
            )
        );

    [Fact]
    public void Where_the_reader_may_be_anywhere_it_is_UTC() =>
        Assert.Equal(
            "2026-03-14 08:26:53 UTC",
            Times.Utc(new DateTimeOffset(2026, 3, 14, 9, 26, 53, TimeSpan.FromHours(1)))
        );
}
