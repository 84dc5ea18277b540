using System.Globalization;
using Microsoft.Extensions.Time.Testing;
using PinAgent.Model.Changes;
using PinAgent.Model.Vm;
using PinAgent.Report.Page;
using PinAgent.Report.Timeline;
using PinAgent.State;
using PinAgent.Tests.Report.Page;
using Xunit;

namespace PinAgent.Tests.Report.Timeline;

/// <summary>What happened on a node: kept over the agent's restart, bounded, and shown with its words.</summary>
public sealed class NodeTimelineTests : IDisposable
{
    private static readonly DateTimeOffset Noon = new(2026, 3, 14, 12, 0, 0, TimeSpan.Zero);

    private readonly string _folder = Directory.CreateTempSubdirectory("pinagent-test-").FullName;
    private readonly FakeTimeProvider _time = new(Noon);

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void What_the_agent_before_has_kept_is_there_and_what_is_added_comes_to_it()
    {
        new HistoryFile(Path.Combine(_folder, "c")).Add([
            Change(VmChangeKind.Repaired, "vm1", -3600),
            Agent(VmChangeKind.AgentStopped, -3500),
        ]);
        var history = new HistoryFile(Path.Combine(_folder, "c"));
        var timeline = new NodeTimeline(history, _time);
        // Before anybody asks: it's read with the rest.
        history.Add([Agent(VmChangeKind.AgentStarted, -10)]);
        Assert.Equal(3, timeline.Picture().Entries.Length);
        var stamp = timeline.Stamp;

        history.Add([Change(VmChangeKind.Refused, "vm2", -5)]);

        Assert.NotSame(stamp, timeline.Stamp);
        Assert.Equal(
            [
                (TimelineLane.Drifts, "default/vm1"),
                (TimelineLane.Agent, ""),
                (TimelineLane.Agent, ""),
                (TimelineLane.NotPinned, "default/vm2"),
            ],
            timeline.Picture().Entries.Select(entry => (entry.Lane, entry.Who))
        );
        Assert.Equal(Noon, timeline.Picture().Now);
    }

    [Fact]
    public void What_is_the_same_of_several_VMs_is_told_once()
    {
        var entry = Assert.Single(
            NodeTimeline.Entries(
                [],
                Enumerable
                    .Range(1, 5)
                    .Select(n =>
                        Change(VmChangeKind.ViolationBegun, $"vm{n}", -9) with
                        {
                            Message = "62 processes may run on every CPU",
                        }
                    )
            )
        );

        Assert.Equal("default/vm1, default/vm2, default/vm3 and 2 more", entry.Who);
        Assert.Equal("disturbed: 62 processes may run on every CPU", entry.What);
    }

    [Fact]
    public void Who_changes_all_the_time_leaves_the_others_their_place_and_words_are_bounded()
    {
        var entries = NodeTimeline.Entries(
            [],
            Enumerable
                .Range(0, 1000)
                .SelectMany(n =>
                    new[]
                    {
                        Change(VmChangeKind.Refused, n < 3 ? $"quiet{n}" : "loud", n - 5000) with
                        {
                            Message = new string('x', 5000),
                        },
                    }
                )
        );

        Assert.Equal(3 + NodeTimeline.MostOfOneVm, entries.Length);
        Assert.All(entries, entry => Assert.InRange(entry.What.Length, 1, 350));

        var many = NodeTimeline.Entries(
            entries,
            Enumerable.Range(0, 1000).Select(n => Change(VmChangeKind.Ended, $"vm{n}", n - 1000))
        );
        Assert.Equal(NodeTimeline.Most, many.Length);
        Assert.Equal("default/vm999", many[^1].Who);
    }

    [Fact]
    public void A_history_that_cannot_be_read_has_nothing_to_show()
    {
        Directory.CreateDirectory(Path.Combine(_folder, "c"));

        Assert.Empty(
            new NodeTimeline(new HistoryFile(Path.Combine(_folder, "c")), _time).Picture().Entries
        );
    }

    [Fact]
    public void Marks_that_would_lie_on_each_other_are_one_with_all_their_words()
    {
        var page = Page([
            Change(VmChangeKind.Repaired, "vm1", -3600),
            .. Enumerable.Range(0, 6).Select(n => Change(VmChangeKind.Repaired, $"vm{n}", -60 + n)),
            Change(VmChangeKind.Refused, "vm2", -58),
        ]);

        Assert.Equal(3, page.Split("<g class=\"mark").Length - 1);
        Assert.Contains("; 2 more until 2026-03-14 11:59:05 UTC\"", page);
        Assert.Contains("aria-label=\"2026-03-14 11:59:02 UTC default/vm2: Refused", page);
    }

    [Fact]
    public void What_happened_to_a_VM_stands_with_it_the_newest_first_and_no_others()
    {
        var page = Page([
            .. Enumerable.Range(0, 30).Select(n => Change(VmChangeKind.Repaired, "vm1", n - 3000)),
            Change(VmChangeKind.Refused, "vm2", -58),
            Change(VmChangeKind.Refused, "vm10", -57),
        ]);

        var own = Between(page, "<details id=\"changes-4000\"", "</details>");
        Assert.Contains("30 changes in the last day, the newest 20", own, StringComparison.Ordinal);
        Assert.Equal(20, own.Split("<li>").Length - 1);
        Assert.Contains(
            "<li><time datetime=\"2026-03-14T11:10:29Z\">2026-03-14 11:10:29 UTC</time>",
            own[..own.IndexOf("</li>", StringComparison.Ordinal)],
            StringComparison.Ordinal
        );
        Assert.Equal(
            1,
            Between(page, "<details id=\"changes-4100\"", "</details>").Split("<li>").Length - 1
        );
        Assert.DoesNotContain("changes-4200", page, StringComparison.Ordinal);
    }

    [Fact]
    public void A_mark_has_the_letters_of_its_VMs_so_that_pointing_at_one_finds_its_marks()
    {
        var page = Page([
            Change(VmChangeKind.Refused, "vm1", -58),
            Change(VmChangeKind.Refused, "vm2", -58),
            Change(VmChangeKind.Ended, "elsewhere", -58),
        ]);

        Assert.Matches("<g class=\"mark l2\" id=\"at-2-[0-9]+\" data-vm=\"A B\"", page);
        Assert.Matches("<g class=\"mark l4 end\" id=\"at-4-[0-9]+\" tabindex", page);
    }

    [Fact]
    public void How_long_a_VM_was_slow_is_a_bar_up_to_its_end_or_the_agents()
    {
        var begun = Change(VmChangeKind.WaitBegun, "vm1", -500);

        Assert.Equal([66], Bars([begun, Change(VmChangeKind.WaitEnded, "vm1", -200)]));
        Assert.Equal(
            [66],
            Bars([
                begun,
                Change(VmChangeKind.WaitEnded, "vm2", -400),
                Agent(VmChangeKind.AgentStarted, -200),
            ])
        );
        // It goes on.
        Assert.Equal([99], Bars([begun]));

        // Where they end, in marks' widths.
        IEnumerable<int> Bars(VmChange[] changes) =>
            Page([Agent(VmChangeKind.AgentStarted, -600), .. changes])
                .Split("<rect class=\"span\" ")[1..]
                .Select(bar => bar[bar.IndexOf(" x=", StringComparison.Ordinal)..].Split('"'))
                .Select(bar =>
                    (
                        int.Parse(bar[1], CultureInfo.InvariantCulture)
                        + int.Parse(bar[5], CultureInfo.InvariantCulture)
                    ) / 10
                );
    }

    [Fact]
    public void What_happened_is_in_the_order_of_its_time_though_waits_are_told_of_later()
    {
        var entries = NodeTimeline.Entries(
            NodeTimeline.Entries([], [Change(VmChangeKind.Repaired, "vm1", -30)]),
            [Change(VmChangeKind.WaitEnded, "vm2", -60)]
        );

        Assert.Equal(["default/vm2", "default/vm1"], entries.Select(entry => entry.Who));
    }

    [Fact]
    public void What_is_older_than_a_day_is_not_shown_and_with_nothing_else_there_is_no_timeline()
    {
        Assert.DoesNotContain(
            "What happened",
            Page([Change(VmChangeKind.Repaired, "vm1", -90_000)])
        );
        Assert.DoesNotContain("What happened", Page([]));
    }

    [Theory]
    [InlineData("<script>alert(1)</script>")]
    [InlineData("\"><img src=x onerror=alert(1)>")]
    public void A_VMs_name_adds_no_markup(string name)
    {
        var page = Page([Change(VmChangeKind.Repaired, name, -60)]);

        Assert.DoesNotContain(name, page);
    }

    private static string Between(string page, string from, string to)
    {
        var start = page.IndexOf(from, StringComparison.Ordinal);
        return page[start..page.IndexOf(to, start, StringComparison.Ordinal)];
    }

    private static string Page(IEnumerable<VmChange> changes) =>
        PageRenderer
            .Render(
                PageStatuses.Small(),
                timeline: new TimelinePicture(Noon, NodeTimeline.Entries([], changes))
            )
            .ToString();

    private static VmChange Change(VmChangeKind kind, string name, double seconds) =>
        Agent(kind, seconds) with
        {
            Cause = ChangeCause.MasksSet,
            Namespace = "default",
            Name = name,
            Pid = 1000,
            State = VmState.Refused,
            Reason = Reason.NotEnoughCpus,
            Message = "because",
        };

    private static VmChange Agent(VmChangeKind kind, double seconds) =>
        new()
        {
            At = Noon.AddSeconds(seconds),
            Kind = kind,
            Cause = ChangeCause.Agent,
        };
}
