using PinAgent.Model.Vm;
using PinAgent.Report.Cluster;
using Xunit;

namespace PinAgent.Tests.Report.Cluster;

public sealed class EventLedgerTests
{
    private static readonly DateTimeOffset Start = new(2026, 9, 1, 12, 0, 0, TimeSpan.Zero);
    private static readonly VmEvent Drifted = new(VmEventKind.PinningDrifted, null, "first");

    private readonly EventLedger _ledger = new();

    [Fact]
    public void What_happens_once_is_told_once()
    {
        var told = Assert.Single(Take(0, Drifted));

        Assert.True(told is { IsNew: true, Count: 1, First.Note: "first" });
        Assert.All(Enumerable.Range(1, 3600), second => Assert.Empty(Take(second)));
    }

    [Fact]
    public void What_happens_every_second_is_counted_once_a_minute()
    {
        var told = Enumerable.Range(0, 600).SelectMany(second => Take(second, Drifted)).ToList();

        Assert.Equal(
            [1, 61, 121, 181, 241, 301, 361, 421, 481, 541],
            told.Select(one => one.Count)
        );
        Assert.Single(told.Select(one => one.Name).Distinct());
        Assert.Single(told, one => one.IsNew);
    }

    [Fact]
    public void The_last_count_is_told_though_nothing_happens_any_more()
    {
        Take(0, Drifted);
        Take(1, Drifted);

        Assert.All(Enumerable.Range(2, 58), second => Assert.Empty(Take(second)));
        Assert.Equal(2, Assert.Single(Take(60)).Count);
        Assert.Empty(Take(61));
    }

    [Fact]
    public void What_happens_again_after_a_long_time_is_another_event()
    {
        var first = Assert.Single(Take(0, Drifted));
        Assert.DoesNotContain(Take(599, Drifted with { Note = "second" }), one => one.IsNew);
        var second = Assert.Single(Take(1200, Drifted with { Note = "third" }), one => one.IsNew);

        Assert.NotEqual(first.Name, second.Name);
        Assert.Equal("third", second.First.Note);
    }

    [Fact]
    public void Another_reason_is_another_event()
    {
        var refused = new VmEvent(VmEventKind.PinningRefused, Reason.NotEnoughCpus, "");

        Assert.Equal(
            3,
            Take(0, Drifted, refused, refused with { Cause = Reason.CpusetOverlaps })
                .Count(one => one.IsNew)
        );
    }

    private IReadOnlyList<EventSeries> Take(int second, params VmEvent[] events) =>
        _ledger.Take(
            events.Select(one =>
                (new EventSubject("v1", "Pod", "default", "virt-launcher-vm1", "p1"), one)
            ),
            Start.AddSeconds(second)
        );
}
