using PinAgent.Model;
using Xunit;

namespace PinAgent.Tests.Model;

public sealed class TriggerTests
{
    [Fact(Timeout = Patience.Hang)]
    public async Task Changes_while_nobody_waits_count_once()
    {
        var trigger = new Trigger();
        trigger.Set();
        trigger.Set();

        await trigger.WaitAsync(TestContext.Current.CancellationToken);
        var next = trigger.WaitAsync(TestContext.Current.CancellationToken);
        Assert.False(next.IsCompleted);

        trigger.Set();
        await next;
    }

    [Fact(Timeout = Patience.Hang)]
    public async Task It_is_at_rest_while_somebody_waits_and_every_change_is_seen_to()
    {
        var trigger = new Trigger();
        Assert.False(trigger.IsAtRest);
        trigger.Set();
        await trigger.WaitAsync(TestContext.Current.CancellationToken);
        Assert.False(trigger.IsAtRest);

        var next = trigger.WaitAsync(TestContext.Current.CancellationToken);
        Assert.True(trigger.IsAtRest);

        trigger.Set();
        Assert.False(trigger.IsAtRest);
        await next;
    }

    [Fact(Timeout = Patience.Hang)]
    public async Task Whoever_no_longer_wants_to_wait_misses_no_change()
    {
        var trigger = new Trigger();
        using var stop = new CancellationTokenSource();
        var waiting = trigger.WaitAsync(stop.Token);
        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => waiting);
        Assert.False(trigger.IsAtRest);

        trigger.Set();
        await trigger.WaitAsync(TestContext.Current.CancellationToken);
    }

    [Fact(Timeout = Patience.Hang)]
    public async Task Whoever_is_told_to_stop_stops_though_there_is_a_change_and_leaves_it_to_the_next()
    {
        // A loop around it would go on for ever: a change that somebody didn't wait for stays.
        var trigger = new Trigger();
        trigger.Set();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() =>
            trigger.WaitAsync(new CancellationToken(canceled: true))
        );

        await trigger.WaitAsync(TestContext.Current.CancellationToken);
    }
}
