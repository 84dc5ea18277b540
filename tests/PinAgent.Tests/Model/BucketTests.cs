using PinAgent.Model;
using Xunit;

namespace PinAgent.Tests.Model;

public sealed class BucketTests
{
    [Theory]
    [InlineData(6, 6)]
    [InlineData(64, 1)]
    [InlineData(7, 0.7)]
    [InlineData(1024, 20)]
    public void Gives_a_burst_at_once_and_then_one_each_time_it_has_filled_again(
        int burst,
        double perSecond
    )
    {
        var bucket = new Bucket(burst, perSecond);
        var (now, evenAt, taken) = (TimeSpan.FromHours(1), TimeSpan.Zero, 0);
        while (bucket.HasOne(evenAt, now))
        {
            evenAt = bucket.After(evenAt, now);
            taken++;
        }

        Assert.Equal(burst, taken);
        var wait = bucket.Left(evenAt, now, amount: 1);
        Assert.Equal(1 / perSecond, wait.TotalSeconds, 1e-6);
        Assert.False(bucket.HasOne(evenAt, now + wait - TimeSpan.FromTicks(1)));
        Assert.True(bucket.HasOne(evenAt, now + wait));
    }

    [Fact]
    public void A_debt_is_paid_off_by_time_and_time_without_one_is_no_credit()
    {
        var bucket = new Bucket(Burst: 10, PerSecond: 2);

        var evenAt = bucket.After(TimeSpan.Zero, TimeSpan.FromSeconds(100), amount: 30);

        Assert.Equal(TimeSpan.FromSeconds(115), evenAt);
        Assert.Equal(TimeSpan.FromSeconds(10), bucket.Left(evenAt, TimeSpan.FromSeconds(100)));
    }
}
