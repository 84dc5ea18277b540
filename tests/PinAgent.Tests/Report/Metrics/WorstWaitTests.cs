using PinAgent.Report.Metrics;
using PinAgent.Report.Status;
using PinAgent.Tests.Report.Page;
using Xunit;
using static PinAgent.Tests.Report.Page.PageVms;

namespace PinAgent.Tests.Report.Metrics;

/// <summary>One figure for each VM, of its vCPU that waits longest; and who sets masks, bounded.</summary>
public sealed class WorstWaitTests
{
    private static readonly NodeStatus Node = PageStatuses.Small() with
    {
        Vms =
        [
            Pinned("default/a", 4000, "2 6", "3"),
            Pinned("default/b", 5000, "4", "3"),
            NotDedicated("default/c", 6000, 1, "0"),
        ],
    };

    [Fact]
    public void The_vCPU_that_waited_longest_counts_in_each_sample_and_no_mean()
    {
        var waits = new WorstWaits();

        Assert.Equal(
            new Dictionary<(string, string), double>
            {
                [("default", "a")] = 0,
                [("default", "b")] = 0,
            },
            waits.After(Sample((4010, 7), (4011, 0)))
        );
        Assert.Equal(2, waits.After(Sample((4010, 9), (4011, 1)))[("default", "a")]);
        // Now it's the other one.
        Assert.Equal(7, waits.After(Sample((4010, 10), (4011, 6)))[("default", "a")]);
        Assert.Equal(7, waits.After(Sample((4010, 10), (4011, 6)))[("default", "a")]);
    }

    [Fact]
    public void A_counter_that_went_back_is_another_threads_and_a_VM_that_is_gone_is_forgotten()
    {
        var waits = new WorstWaits();
        waits.After(Sample((4010, 7)));

        Assert.Equal(0, waits.After(Sample((4010, 1)))[("default", "a")]);
        Assert.Equal(3, waits.After(Sample((4010, 4)))[("default", "a")]);
        var one = Sample((4010, 4));
        Assert.Single(waits.After(one with { Vms = [one.Vms[0]] }));
        Assert.Empty(waits.After(Node));
        Assert.Equal(0, waits.After(Sample((4010, 9)))[("default", "a")]);
    }

    [Fact]
    public void Programs_that_set_masks_are_counted_by_name_and_however_they_are_called_a_few_series_hold_them()
    {
        var counters = Enumerable
            .Range(0, 1000)
            .Aggregate(
                PassCounters.None,
                (sum, i) =>
                    sum.With(
                        new PassFigures(null, [], 2) { Writers = [($"evil{i}", 2)] },
                        null,
                        TimeSpan.Zero
                    )
            );

        Assert.InRange(counters.Writers.Count, 2, 17);
        Assert.Equal(2, counters.Writers["evil0"]);
        Assert.Equal(2000, counters.Writers.Values.Sum());
        Assert.True(counters.Writers[PassCounters.OtherWriters] > 1900);
    }

    private static NodeStatus Sample(params (int Tid, int Seconds)[] waited) =>
        RunDelays.Add(
            Node,
            tid =>
                (ulong)
                    waited.Where(one => one.Tid == tid).Select(one => one.Seconds).FirstOrDefault()
                * 1_000_000_000
        );
}
