using PinAgent.Kubernetes.Watch;
using Xunit;

namespace PinAgent.Tests.Kubernetes;

public sealed class BackoffTests
{
    [Theory]
    [InlineData(1, 0, 0.5)]
    [InlineData(1, 0.5, 1)]
    [InlineData(1, 0.999, 1.499)]
    [InlineData(2, 0.5, 2)]
    [InlineData(5, 0.5, 16)]
    [InlineData(6, 0.5, 32)]
    [InlineData(7, 0.5, 32)]
    [InlineData(int.MaxValue, 0.5, 32)]
    [InlineData(0, 0.5, 1)]
    [InlineData(int.MinValue, 0, 0.5)]
    public void A_wait_doubles_with_each_failure_up_to_a_limit_and_is_spread(
        int failures,
        double random,
        double seconds
    ) => Assert.Equal(seconds, Backoff.Usual.Delay(failures, random).TotalSeconds, 3);

    [Theory]
    [InlineData(20, 0, 20)]
    [InlineData(20, 0.5, 25)]
    [InlineData(0, 0.9, 0)]
    [InlineData(-5, 0.9, 0)]
    [InlineData(86_400, 0, 300)]
    public void A_wait_that_was_asked_for_is_kept_within_reason(
        double asked,
        double random,
        double seconds
    ) =>
        Assert.Equal(
            seconds,
            Backoff.AskedFor(TimeSpan.FromSeconds(asked), random).TotalSeconds,
            3
        );
}
