using PinAgent.Cli.Look;
using PinAgent.Model.Changes;
using Xunit;

namespace PinAgent.Tests.Cli.Look;

/// <summary>The last line of <c>pinagent explain</c>.</summary>
public sealed class ExplainSumTests
{
    private static readonly DateTimeOffset Since = new(
        2026,
        3,
        14,
        0,
        0,
        0,
        TimeZoneInfo.Local.GetUtcOffset(new DateTime(2026, 3, 14))
    );

    [Fact]
    public void Drifts_are_counted_with_those_that_were_told_together() =>
        Assert.Equal(
            "7 drifts since 2026-03-14 00:00, at most 0.4 s off its CPUs",
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
            "2 drifts since 2026-03-14 00:00, 1 by taskset (pid 812), at most 0.1 s off its CPUs",
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

    [Fact]
    public void Where_nothing_drifted_that_is_said() =>
        Assert.Equal(
            "no drift since 2026-03-14 00:00",
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
