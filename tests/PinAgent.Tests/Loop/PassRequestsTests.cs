using PinAgent.NativeInterop;
using PinAgent.Observe.Events;
using Xunit;

namespace PinAgent.Tests.Loop;

/// <summary>What the one loop is asked for.</summary>
public sealed class PassRequestsTests
{
    private static readonly TimeSpan Long = TimeSpan.FromHours(1);

    [Fact(Timeout = 10_000)]
    public async Task What_comes_while_nobody_waits_is_told_once_and_whole()
    {
        var requests = new PassRequests();
        requests.LookAt(new NamedThread(2, 1, 10));
        requests.LookForChanges();
        requests.LookForChanges();
        requests.LookAt(new NamedThread(3, 1, 20));

        Assert.Equal(
            PassScope.Changes,
            requests.Wait(Long, TestContext.Current.CancellationToken, out var named)
        );
        Assert.Equal([2, 3], named.Select(thread => thread.Tid));

        using var stop = new CancellationTokenSource();
        var next = Task.Run(() => requests.Wait(Long, stop.Token, out _));
        requests.LookAt(new NamedThread(4, 1, 30));
        Assert.Equal(PassScope.Named, await next);
    }

    [Fact]
    public void The_widest_look_asked_for_is_made_and_sees_what_the_others_would()
    {
        var requests = new PassRequests();
        requests.LookAtEverything();
        requests.LookForChanges();

        Assert.Equal(
            PassScope.Everything,
            requests.Wait(Long, TestContext.Current.CancellationToken, out _)
        );
    }

    [Fact(Timeout = 10_000)]
    public async Task When_it_is_time_changes_are_looked_for_whatever_names_themselves()
    {
        var stop = TestContext.Current.CancellationToken;
        var requests = new PassRequests();
        Assert.Equal(
            PassScope.Changes,
            await Task.Run(() => requests.Wait(TimeSpan.FromMilliseconds(1), stop, out _), stop)
        );

        requests.LookAt(new NamedThread(2, 1, 10));
        Assert.Equal(PassScope.Changes, requests.Wait(TimeSpan.Zero, stop, out var named));
        Assert.Equal(2, Assert.Single(named).Tid);
    }

    [Fact]
    public void What_names_itself_during_a_look_is_taken_once()
    {
        var requests = new PassRequests();
        requests.LookAt(new NamedThread(2, 1, 10));

        Assert.Equal(2, Assert.Single(requests.TakeNamed()).Tid);
        Assert.Empty(requests.TakeNamed());
    }

    [Fact]
    public void An_end_comes_before_what_else_is_asked_for()
    {
        var requests = new PassRequests();
        requests.LookAtEverything();

        Assert.Throws<OperationCanceledException>(() =>
            requests.Wait(Long, new CancellationToken(canceled: true), out _)
        );
    }

    [Fact(Timeout = 10_000)]
    public async Task An_end_wakes_who_waits()
    {
        using var stop = new CancellationTokenSource();
        var waiting = Task.Run(() => new PassRequests().Wait(Long, stop.Token, out _));

        await stop.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => waiting);
    }

    [Fact]
    public void More_names_than_can_be_kept_are_a_look_at_everything()
    {
        var requests = new PassRequests();
        for (var tid = 1; tid <= 10_000; tid++)
        {
            requests.LookAt(new NamedThread(tid, tid, 0));
        }

        Assert.Equal(
            PassScope.Everything,
            requests.Wait(Long, TestContext.Current.CancellationToken, out var named)
        );
        Assert.InRange(named.Count, 1, 9_999);
    }
}
