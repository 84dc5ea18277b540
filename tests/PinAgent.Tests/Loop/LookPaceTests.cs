using PinAgent.Loop;
using Xunit;

namespace PinAgent.Tests.Loop;

/// <summary>When the loop looks again by itself.</summary>
public sealed class LookPaceTests
{
    private static readonly TimeSpan Period = TimeSpan.FromSeconds(60);

    private readonly LookPace _pace = new(Period);

    [Fact]
    public void A_look_is_due_a_period_after_the_last() =>
        Assert.Equal(Period - Seconds(7), _pace.Left(looked: Seconds(100), now: Seconds(107)));

    [Fact]
    public void While_a_VM_begins_looks_follow_closely()
    {
        _pace.Begin(Seconds(100));

        Assert.Equal(Period / 10, _pace.Left(Seconds(101), Seconds(101)));
        Assert.Equal(TimeSpan.Zero, _pace.Left(Seconds(97), Seconds(103)));
        Assert.Equal(Period, _pace.Left(Seconds(105), Seconds(105)));
    }

    private static TimeSpan Seconds(double seconds) => TimeSpan.FromSeconds(seconds);
}
