using PinAgent.NativeInterop;
using PinAgent.Observe.Events;
using Xunit;

namespace PinAgent.Tests.Loop;

/// <summary>What the one loop is asked for.</summary>
public sealed class PassRequestsTests
{
    private static readonly TimeSpan Long = TimeSpan.FromHours(1);

    private readonly Clock _time = new();

    [Fact(Timeout = Patience.Hang)]
    public async Task What_comes_while_nobody_waits_is_told_once_and_whole()
    {
        // The loop is one thread; here another one waits, whose time on a CPU is another.
        var requests = new PassRequests(spent: () => TimeSpan.Zero);
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

    [Fact(Timeout = Patience.Hang)]
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
    public void What_is_pinned_already_is_looked_at_with_what_comes_soon_after_and_never_holds_up_the_rest()
    {
        var now = TimeSpan.FromSeconds(1);
        var batch = new NamedBatch();
        Assert.True(batch.Add(new NamedThread(2, 1, 10), isPinned: true, now));
        Assert.Equal(now + NamedBatch.Period, batch.Due);
        Assert.False(batch.Add(new NamedThread(3, 1, 20), isPinned: true, now + now));
        Assert.Equal(now + NamedBatch.Period, batch.Due);

        Assert.True(batch.Add(new NamedThread(4, 5, 30), isPinned: false, now));
        Assert.Equal(TimeSpan.Zero, batch.Due);
        Assert.False(batch.Add(new NamedThread(6, 1, 40), isPinned: true, now));
        Assert.Equal(TimeSpan.Zero, batch.Due);
        Assert.Equal((4, 2), (batch.Count, batch.Processes));
        Assert.Equal([2, 3, 4, 6], batch.Take().Select(thread => thread.Tid));
        Assert.Equal((0, 0), (batch.Count, batch.Processes));
    }

    [Fact(Timeout = Patience.Hang)]
    public async Task What_is_pinned_already_is_looked_at_without_anything_else_being_asked_for()
    {
        var stop = TestContext.Current.CancellationToken;
        var requests = new PassRequests(spent: () => TimeSpan.Zero);
        requests.LookAt(new NamedThread(2, 1, 10), isDone: true);
        var scope = await Task.Run(() => requests.Wait(Long, stop, out _), stop);
        Assert.Equal(PassScope.Named, scope);
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

    [Fact(Timeout = Patience.Hang)]
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

    [Fact]
    public void A_process_beyond_its_share_is_looked_at_with_the_changes_and_its_neighbour_at_once()
    {
        var stop = TestContext.Current.CancellationToken;
        var requests = new PassRequests(_time, () => TimeSpan.Zero);
        for (var tid = 1; tid <= 2000; tid++)
        {
            requests.LookAt(new NamedThread(tid, 666, 0));
        }

        requests.LookAt(new NamedThread(2, 1, 0));

        Assert.Equal([666], requests.Hearing().Muted);
        Assert.Contains("process 666", requests.Complaint);
        Assert.Equal(PassScope.Named, requests.Wait(Long, stop, out var named));
        Assert.Equal(1025, named.Count);
        Assert.Equal(2, named[^1].Tid);

        Assert.Equal(PassScope.Changes, requests.Wait(TimeSpan.Zero, stop, out named));
        Assert.Equal(666, Assert.Single(named).Pid);

        _time.Advance(TimeSpan.FromSeconds(31));
        Assert.Empty(requests.Hearing().Muted);
        Assert.Null(requests.Complaint);
        Assert.Equal(PassScope.Changes, requests.Wait(TimeSpan.Zero, stop, out named));
        Assert.Equal(666, Assert.Single(named).Pid);
        Assert.Equal(PassScope.Changes, requests.Wait(TimeSpan.Zero, stop, out named));
        Assert.Empty(named);
    }

    [Fact]
    public void Threads_that_name_themselves_without_end_dont_hold_up_the_look_for_changes()
    {
        var stop = TestContext.Current.CancellationToken;
        var requests = new PassRequests(_time, () => TimeSpan.Zero);
        requests.LookAt(new NamedThread(1, 1, 0));
        Assert.Equal(PassScope.Named, requests.Wait(TimeSpan.FromMilliseconds(50), stop, out _));

        var rounds = 0;
        for (var round = 0; round < 100; round++)
        {
            _time.Advance(TimeSpan.FromMilliseconds(10));
            requests.LookAt(new NamedThread(round, 1, 0));
            rounds += requests.TakeNamed().Count;
        }

        Assert.Equal(4, rounds);
        Assert.Equal(PassScope.Changes, requests.Wait(TimeSpan.Zero, stop, out var named));
        Assert.Equal(96, named.Count);

        // Where the next is far away, the pass has an end of its own.
        requests.LookAt(new NamedThread(1, 1, 0));
        requests.Wait(Long, stop, out _);
        requests.LookAt(new NamedThread(2, 1, 0));
        _time.Advance(PassRequests.LongestRounds);
        Assert.Empty(requests.TakeNamed());
    }

    [Fact]
    public void What_is_asked_for_waits_for_the_look_that_is_due_once_it_has_had_its_share_of_a_CPU()
    {
        var stop = TestContext.Current.CancellationToken;
        var spent = TimeSpan.Zero;
        var requests = new PassRequests(_time, () => spent);
        requests.LookForChanges();
        Assert.Equal(PassScope.Changes, requests.Wait(Long, stop, out _));

        // A pass of a little more than the burst, and the next is asked for.
        spent += WorkBudget.Burst + TimeSpan.FromMilliseconds(2);
        requests.LookAt(new NamedThread(2, 1, 0));
        _time.Runs = TimeSpan.FromMilliseconds(1);
        var began = _time.GetElapsedTime(0);
        Assert.Equal(
            PassScope.Changes,
            requests.Wait(TimeSpan.FromMilliseconds(5), stop, out var named)
        );
        Assert.InRange((_time.GetElapsedTime(0) - began).TotalMilliseconds, 5, 15);
        Assert.Equal(2, Assert.Single(named).Tid);

        // It was due, so it costs nothing; and at last there's a share again.
        requests.LookAt(new NamedThread(3, 1, 0));
        Assert.Equal(PassScope.Named, requests.Wait(Long, stop, out named));
        Assert.Equal(3, Assert.Single(named).Tid);
        Assert.InRange((_time.GetElapsedTime(0) - began).TotalMilliseconds, 60, 90);
    }

    [Fact]
    public void Threads_that_name_themselves_during_a_look_that_was_due_have_their_share_of_a_CPU_too()
    {
        var stop = TestContext.Current.CancellationToken;
        var spent = TimeSpan.Zero;
        var requests = new PassRequests(_time, () => spent);
        var rounds = 0;
        for (var look = 0; look < 10; look++)
        {
            requests.Wait(TimeSpan.Zero, stop, out _);

            // The look itself is nobody's; what is taken into it is theirs who ask for it.
            spent += WorkBudget.Burst;
            requests.LookAt(new NamedThread(look, 1, 0));
            while (requests.TakeNamed().Count > 0)
            {
                spent += WorkBudget.Burst / 4;
                requests.LookAt(new NamedThread(look, 1, 0));
                rounds++;
            }
        }

        Assert.Equal(5, rounds);
    }

    [Fact]
    public void Events_that_are_lost_again_and_again_are_a_look_at_everything_every_ten_seconds()
    {
        var stop = TestContext.Current.CancellationToken;
        var requests = new PassRequests(_time, () => TimeSpan.Zero);
        var whole = 0;
        for (var second = 0; second < 60; second++)
        {
            requests.LookAtEverything();
            whole += requests.Wait(TimeSpan.Zero, stop, out _) == PassScope.Everything ? 1 : 0;
            _time.Advance(TimeSpan.FromSeconds(1));
        }

        Assert.Equal(6, whole);

        // What was lost last is looked for though nobody asks any more.
        requests.LookAtEverything();
        requests.Wait(TimeSpan.Zero, stop, out _);
        requests.LookAtEverything();
        _time.Advance(PassRequests.ScanPeriod - TimeSpan.FromMilliseconds(2));
        _time.Runs = TimeSpan.FromMilliseconds(1);
        Assert.Equal(PassScope.Everything, requests.Wait(Long, stop, out _));
    }

    [Fact]
    public void Many_processes_at_once_arent_looked_at_before_all_other_work_of_the_machine()
    {
        var requests = new PassRequests(_time, () => TimeSpan.Zero);
        for (var pid = 1; pid <= 65; pid++)
        {
            requests.LookAt(new NamedThread(pid, pid, 0));
        }

        Assert.Equal(
            PassScope.Changes,
            requests.Wait(Long, TestContext.Current.CancellationToken, out var named)
        );
        Assert.Equal(65, named.Count);
    }
}
