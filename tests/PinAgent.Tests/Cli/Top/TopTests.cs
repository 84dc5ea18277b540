using PinAgent.Cli.Look;
using PinAgent.Cli.Terminal;
using PinAgent.Cli.Top;
using PinAgent.Model.Cpu;
using PinAgent.Model.Node;
using PinAgent.Model.Vm;
using PinAgent.Report.Status;
using PinAgent.Tests.Cli.Look;
using PinAgent.Tests.Report.Page;
using Xunit;

namespace PinAgent.Tests.Cli.Top;

/// <summary><c>pinagent top</c>: what is drawn, in which order, and what keys do.</summary>
public sealed class TopTests
{
    private static readonly TopState Begin = new(TopOrder.Pain, VmFilter.All);

    [Theory]
    [InlineData(80)]
    [InlineData(200)]
    public void VCPUs_are_shown_with_what_they_wait_and_because_of_whom(int width)
    {
        var (status, waits) = Waiting(PageStatuses.Medium(), tid: 5112, share: 0.123);

        var rows = TopRows.Of(status, waits, VmFilter.All, TopOrder.Pain);
        var lines = Nodes.Draw(TopLines.Render(status, rows, waits, width), width);

        Assert.All(lines, line => Assert.InRange(line.Length, 0, width));
        Golden.Check($"status/top-medium-{width}.txt", string.Join('\n', lines));
    }

    [Fact]
    public void What_waits_most_stands_first_then_what_is_away_then_what_is_disturbed()
    {
        var (status, waits) = Waiting(PageStatuses.Medium(), tid: 5012, share: 0.05);

        var rows = TopRows.Of(status, waits, VmFilter.All, TopOrder.Pain);

        Assert.Equal(("prod/cache-1", 2), (rows[0].Vm, rows[0].Index));
        Assert.True(rows[1].IsAway);
        Assert.Equal(
            rows.Count(row => row.IsAway),
            rows.Skip(1).TakeWhile(row => row.IsAway).Count()
        );
        Assert.Equal(
            rows.Select(row => row.Cpus!.First).Order(),
            TopRows.Of(status, waits, VmFilter.All, TopOrder.Cpu).Select(row => row.Cpus!.First)
        );
    }

    [Fact]
    public void A_wait_is_never_more_than_all_of_the_time_nor_less_than_none()
    {
        var status = PageStatuses.Small();
        var second = TimeSpan.FromSeconds(1);
        var (low, high) = (
            RunDelays.Add(status, _ => 0),
            RunDelays.Add(status, _ => 3_000_000_000)
        );

        Assert.Equal(1, WaitRates.Between(low, high, second).Of(4010));
        Assert.Null(WaitRates.Between(high, low, second).Of(4010));
        Assert.Null(WaitRates.Between(low, high, TimeSpan.Zero).Of(4010));
        Assert.Null(WaitRates.Between(status, high, second).Of(4010));
    }

    [Fact]
    public void Keys_sort_filter_scroll_and_quit()
    {
        Assert.Equal(TopOrder.Vm, Press(Begin, 's').Order);
        Assert.Equal(TopOrder.Pain, Press(Begin, 's', 's', 's').Order);
        var typing = Press(Begin, '/', 'q', 's');
        Assert.Equal(("qs", true, false), (typing.Filter.Text, typing.IsTyping, typing.IsDone));
        Assert.True(Press(typing, ConsoleKey.Enter).After(Key('q'), 9, 5).IsDone);
        Assert.Equal("q", Press(typing, ConsoleKey.Backspace).Filter.Text);
        Assert.Equal(VmFilter.All.Text, Press(typing, ConsoleKey.Escape).Filter.Text);
        Assert.Equal(5, Press(Begin, ConsoleKey.PageDown).First);
        Assert.Equal(0, Press(Begin, ConsoleKey.UpArrow).Within(9).First);
        Assert.Equal(8, Press(Begin, ConsoleKey.End, ConsoleKey.PageDown).Within(9).First);
    }

    [Theory]
    [InlineData("lines")]
    [InlineData("map")]
    [InlineData("cpu")]
    [InlineData("top")]
    public void A_name_never_reaches_the_terminal_as_something_it_obeys(string picture)
    {
        const string Evil = "a\u001b]0;x\u0007b\u202ec\u009b2Jd\r\ne";
        var node = PageStatuses.Small();
        node = node with
        {
            Node = Evil,
            Notices = [Evil],
            Violations = [new Violation(ViolationKind.Stranger, CpuSet.Parse("2"), Evil)],
            Vms =
            [
                node.Vms[0].With(thread => thread with { Comm = Evil, Rule = Evil }) with
                {
                    Namespace = Evil,
                    Name = Evil,
                },
                node.Vms[1] with
                {
                    Name = Evil,
                    Message = Evil,
                    Reason = Reason.Unreadable,
                },
            ],
        };
        var content = picture switch
        {
            "lines" => StatusLines.Render(node, VmFilter.All, 200),
            "map" => MapLines.Render(node, 200),
            "cpu" => CpuLines.Render(node, CpuSet.Parse("2"), WaitRates.None),
            _ => TopLines.Render(
                node,
                TopRows.Of(node, WaitRates.None, VmFilter.All, TopOrder.Pain),
                WaitRates.None,
                200
            ),
        };

        var drawn = Output.Ansi(content, 200);

        // Colours are the picture's own, and nothing else begins with ESC.
        Assert.Equal(
            drawn.Count(c => c == '\u001b'),
            drawn
                .Split("\u001b[")
                .Skip(1)
                .Count(part => part.TrimStart("0123456789;".ToCharArray())[0] == 'm')
        );
        Assert.Equal(-1, drawn.IndexOfAny(['\u0007', '\u202e', '\u009b', '\r']));
        Assert.Contains("a\ufffd]0;x", drawn, StringComparison.Ordinal);
    }

    private static (NodeStatus Status, WaitRates Waits) Waiting(
        NodeStatus status,
        int tid,
        double share
    )
    {
        var after = RunDelays.Add(status, other => other == tid ? (ulong)(share * 1e9) : 0);
        return (
            after,
            WaitRates.Between(RunDelays.Add(status, _ => 0), after, TimeSpan.FromSeconds(1))
        );
    }

    private static TopState Press(TopState state, params char[] keys) =>
        keys.Aggregate(state, (now, key) => now.After(Key(key), rows: 9, page: 5));

    private static TopState Press(TopState state, params ConsoleKey[] keys) =>
        keys.Aggregate(
            state,
            (now, key) => now.After(new ConsoleKeyInfo('\0', key, false, false, false), 9, 5)
        );

    private static ConsoleKeyInfo Key(char key) => new(key, ConsoleKey.None, false, false, false);
}
