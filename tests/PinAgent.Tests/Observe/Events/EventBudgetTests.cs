using PinAgent.NativeInterop;
using PinAgent.Observe.Events;
using Xunit;

namespace PinAgent.Tests.Observe.Events;

/// <summary>Who may have how many events told, by a clock of the test's own.</summary>
public sealed class EventBudgetTests
{
    private readonly NameBudget _budget = new();

    [Fact]
    public void A_guest_of_256_vCPUs_that_starts_is_heard_to_the_last_name()
    {
        for (var tid = 0; tid < 300; tid++)
        {
            Assert.Equal(EventVerdict.Within, Name(4711, tid, at: 100));
        }
    }

    [Fact]
    public void Fifty_guests_that_start_at_once_are_heard_to_the_last_name()
    {
        for (var i = 0; i < 50 * 300; i++)
        {
            Assert.Equal(EventVerdict.Within, Name(4711 + (i % 50), i, at: 100));
        }
    }

    [Fact]
    public void A_process_that_names_without_end_is_heard_no_more_and_costs_its_neighbour_nothing()
    {
        var heard = Enumerable
            .Range(0, 100_000)
            .Count(i => Name(666, i, at: 100 + (i / 100_000.0)) == EventVerdict.Within);

        Assert.Equal(NameBudget.OfProcess.Burst, heard);
        Assert.Equal([666], _budget.Hearing(Seconds(101)).Muted);
        Assert.False(_budget.Hearing(Seconds(101)).IsCrowded);
        Assert.Contains("process 666", _budget.Hearing(Seconds(101)).Describe());
        Assert.Equal(EventVerdict.Within, Name(4711, 1, at: 101));
    }

    [Fact]
    public void Who_isnt_heard_is_looked_at_instead_and_once_more_when_he_is_heard_again()
    {
        for (var i = 0; i < 2000; i++)
        {
            Name(666, i, at: 100);
        }

        Assert.Equal([666], _budget.Deferred());
        Assert.Equal([666], _budget.Deferred());

        Assert.Equal(Seconds(1), _budget.Hearing(Seconds(129)).Left);
        Assert.Empty(_budget.Hearing(Seconds(130)).Muted);
        Assert.Equal([666], _budget.Deferred());
        Assert.Empty(_budget.Deferred());
        Assert.Null(_budget.Hearing(Seconds(130)).Describe());
        Assert.Equal(EventVerdict.Within, Name(666, 1, at: 130));
    }

    [Fact]
    public void One_that_never_stops_is_heard_twenty_times_a_second_in_the_long_run()
    {
        var heard = 0;
        for (var millisecond = 0; millisecond < 600_000; millisecond++)
        {
            _budget.Hearing(Seconds(millisecond / 1000.0));
            heard += Name(666, 1, at: millisecond / 1000.0) == EventVerdict.Within ? 1 : 0;
        }

        Assert.InRange(heard, 1024, 1024 + (600 * 20));
    }

    [Fact]
    public void Processes_that_end_and_begin_again_make_a_crowd_that_is_heard_at_intervals()
    {
        var heard = Enumerable
            .Range(1, 100_000)
            .Count(pid => Name(pid, pid, at: 100) == EventVerdict.Within);

        Assert.Equal(NameBudget.OfAll.Burst, heard);
        Assert.True(_budget.Hearing(Seconds(109)).IsCrowded);
        Assert.Contains("once a second", _budget.Hearing(Seconds(109)).Describe());
        Assert.False(_budget.Hearing(Seconds(110.1)).IsCrowded);
    }

    [Fact]
    public void More_than_the_kernels_filter_has_room_for_make_a_crowd()
    {
        for (var second = 0; second <= 12; second++)
        {
            for (var i = 0; i < 11 * 1100; i++)
            {
                // As fast as all together may, for longer than nobody is muted.
                Name(1 + (second * 11) + (i % 11), i, at: 100 + (second * 2));
            }
        }

        Assert.InRange(_budget.Hearing(Seconds(125)).Muted.Length, 1, NameBudget.MostMuted);
        Assert.True(_budget.Hearing(Seconds(125)).IsCrowded);
        Assert.True(NameBudget.MostMuted <= ProcessConnector.MostMuted);
    }

    [Fact]
    public void The_ledger_has_an_end_and_room_again_for_new_ones_later()
    {
        var budget = new EventBudget<int>(new(10, 1), new(1_000_000, 1_000_000), mostSources: 100);
        for (var pid = 1; pid <= 10_000; pid++)
        {
            Assert.Equal(EventVerdict.Within, budget.Take(pid, Seconds(1)));
        }

        Assert.Equal(100, budget.Sources);
        Assert.Equal(EventVerdict.Within, budget.Take(20_000, Seconds(60)));
        Assert.Equal(1, budget.Sources);
    }

    [Fact]
    public void A_time_before_the_last_ones_fills_no_bucket()
    {
        var budget = new EventBudget<int>(new(2, 1), new(100, 100), mostSources: 10);
        Assert.Equal(EventVerdict.Within, budget.Take(1, Seconds(10)));
        Assert.Equal(EventVerdict.Within, budget.Take(1, Seconds(5)));
        Assert.Equal(EventVerdict.SourceExceeds, budget.Take(1, Seconds(5)));
        Assert.Equal(EventVerdict.Within, budget.Take(1, Seconds(11)));
    }

    [Fact]
    public void What_is_asked_for_gets_a_burst_of_a_CPU_and_then_a_thirtieth()
    {
        var work = new WorkBudget();
        var spent = TimeSpan.Zero;
        for (var millisecond = 0; millisecond < 60_000; millisecond++)
        {
            var now = Seconds(1000 + (millisecond / 1000.0));
            if (work.Left(now) <= TimeSpan.Zero)
            {
                work.Charge(TimeSpan.FromMilliseconds(2), now);
                spent += TimeSpan.FromMilliseconds(2);
            }
        }

        Assert.InRange((spent - WorkBudget.Burst).TotalSeconds, 1.95, 2.05);
    }

    private EventVerdict Name(int pid, int tid, double at) =>
        _budget.Take(new NamedThread(tid, pid, (ulong)(at * 1e9)), Seconds(at));

    private static TimeSpan Seconds(double seconds) => TimeSpan.FromSeconds(seconds);
}
