using PinAgent.Loop;
using PinAgent.Model.Vm;
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
        _pace.Begin(new VmKey(1, 1), Seconds(100));

        Assert.Equal(Period / 10, _pace.Left(Seconds(101), Seconds(101)));
        Assert.Equal(TimeSpan.Zero, _pace.Left(Seconds(97), Seconds(103)));
        Assert.Equal(Period, _pace.Left(Seconds(105), Seconds(105)));
    }

    [Fact]
    public void A_VM_that_seems_to_come_and_go_begins_once()
    {
        _pace.Begin(new VmKey(1, 1), Seconds(100));
        _pace.Begin(new VmKey(1, 1), Seconds(104));

        Assert.Equal(Period, _pace.Left(Seconds(105), Seconds(105)));
    }

    private static TimeSpan Seconds(double seconds) => TimeSpan.FromSeconds(seconds);
}
