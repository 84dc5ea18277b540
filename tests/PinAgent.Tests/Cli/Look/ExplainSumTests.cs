using PinAgent.Cli.Look;
using PinAgent.Model.Changes;
using PinAgent.Model.Vm;
using PinAgent.Report.Cluster;
using PinAgent.Report.Metrics;
using PinAgent.Report.Timeline;
using Xunit;

namespace PinAgent.Tests.Cli.Look;

/// <summary>The last line of <c>pinagent explain</c>.</summary>
public sealed class ExplainSumTests
{
    private static readonly DateTimeOffset Since = new(2026, 3, 14, 0, 0, 0, TimeSpan.Zero);

    [Fact]
    public void Drifts_are_counted_with_those_that_were_told_together() =>
        Assert.Equal(
            "7 drifts since 2026-03-14 00:00 UTC, at most 0.4 s off its CPUs",
            ExplainSum.Of(
                [
                    Change(VmChangeKind.Begun, off: null),
                    Change(VmChangeKind.Repaired, off: 0.4),
                    Change(VmChangeKind.Repaired, off: 0.1, repeated: 6),
                    Change(VmChangeKind.Ended, off: null),
                ],
                Since
            )
        );

    [Fact]
    public void Whoever_is_known_is_named_and_nobody_else() =>
        Assert.Equal(
            "2 drifts since 2026-03-14 00:00 UTC, 1 by taskset (pid 812), at most 0.1 s off its CPUs",
            ExplainSum.Of(
                [
                    Change(VmChangeKind.Repaired, off: 0.1) with
                    {
                        Pid = 7,
                    },
                    Change(VmChangeKind.Repaired, off: 0.1),
                ],
                Since,
                change => change.Pid == 7 ? "taskset (pid 812)" : null
            )
        );

    [Theory]
    [InlineData(VmChangeKind.Moved)]
    [InlineData(VmChangeKind.IsolationLost)]
    public void New_CPUs_are_the_drift_that_event_counter_and_timeline_call_so(VmChangeKind kind)
    {
        var moved = Change(kind, off: 0.2) with
        {
            State = VmState.Pinned,
            Threads = [new ChangedThread(7, ThreadRole.Vcpu, 0, "2", "4")],
        };

        Assert.Equal(
            "1 drift since 2026-03-14 00:00 UTC, at most 0.2 s off its CPUs",
            ExplainSum.Of([moved], Since)
        );
        Assert.Equal(VmEventKind.PinningDrifted, VmEvent.Of(moved)?.Kind);
        Assert.Equal(1, PassFigures.Repairs([moved]));
        Assert.Equal(TimelineLane.Drifts, new TimelineEntry(Since, kind, "", "").Lane);
    }

    [Theory]
    [InlineData(VmChangeKind.Moved)]
    [InlineData(VmChangeKind.IsolationLost)]
    public void New_CPUs_to_which_the_kernel_moved_the_threads_are_no_drift(VmChangeKind kind)
    {
        var moved = Change(kind, off: null) with { State = VmState.Pinned };

        Assert.StartsWith("no drift", ExplainSum.Of([moved], Since), StringComparison.Ordinal);
        Assert.Null(VmEvent.Of(moved));
        Assert.Equal(0, PassFigures.Repairs([moved]));
    }

    [Fact]
    public void Every_kind_of_change_has_its_lane() =>
        Assert.All(
            Enum.GetValues<VmChangeKind>(),
            kind => Assert.True(Enum.IsDefined(new TimelineEntry(Since, kind, "", "").Lane))
        );

    [Fact]
    public void Where_nothing_drifted_that_is_said() =>
        Assert.Equal(
            "no drift since 2026-03-14 00:00 UTC",
            ExplainSum.Of([Change(VmChangeKind.Begun, off: null)], Since)
        );

    private static VmChange Change(VmChangeKind kind, double? off, int? repeated = null) =>
        new()
        {
            At = Since,
            Kind = kind,
            Cause = ChangeCause.MasksSet,
            UnpinnedSecondsAtMost = off,
            Repeated = repeated,
        };
}
