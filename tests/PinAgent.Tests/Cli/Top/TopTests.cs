using PinAgent.Cli.Look;
using PinAgent.Cli.Terminal;
using PinAgent.Cli.Top;
using PinAgent.Model.Cpu;
using PinAgent.Model.Node;
using PinAgent.Model.Vm;
using PinAgent.Observe.Files;
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
    public void Moves_and_what_the_host_was_denied_are_shown_where_the_kernel_tells_them()
    {
        var status = PageStatuses.Small();
        using var host = new FakeHost();
        KernelCounts Read(long moves, long stolen, string comm = "CPU 0/KVM")
        {
            host.Write(
                "/proc/4000/task/4010/sched",
                $"{comm} (4010, #threads: 5)\n---\nse.nr_migrations   :   {moves}\n"
            );
            host.Write(
                "/proc/stat",
                $"cpu  9 9 9 9 9 9 9 {stolen} 0 0\ncpu2 10 0 0 {200 - stolen} 0 0 0 {stolen} 0 0\ncpu6 10 0 0 200 0 0 0 0 0 0\n"
            );
            using var files = new HostFiles(host.Root);
            return KernelCounts.Read(files, status);
        }

        var (before, after) = (Read(7, 0), Read(10, 0));

        Assert.Equal(3, KernelCounts.Moves(before, after, 4010));
        Assert.Null(KernelCounts.Moves(before, after, 4011));
        Assert.Null(KernelCounts.Moves(after, before, 4010));
        // In another PID namespace it's another thread.
        Assert.Null(KernelCounts.Moves(before, Read(10, 0, "bash"), 4010));
        Assert.False(after.HasSteal);
        var rows = TopRows.Of(status, WaitRates.None, VmFilter.All, TopOrder.Moves, before, after);
        Assert.Equal(((long?)3, (double?)null), (rows[0].Migrations, rows[0].Stolen));
        Assert.Contains(
            "MOVED",
            string.Concat(Nodes.Draw(TopLines.Render(status, rows, WaitRates.None, 80), 80)),
            StringComparison.Ordinal
        );
    }

    [Fact]
    public void What_a_host_took_is_a_share_of_the_CPUs_time()
    {
        var before = new KernelCounts(
            System.Collections.Frozen.FrozenDictionary<int, long>.Empty,
            KernelCounts.ParseStolen("cpu  1 2\ncpu2 100 0 0 100 0 0 0 0 50 0\ncpux 1\nintr 5\n")
        );
        var after = before with
        {
            Stolen = KernelCounts.ParseStolen("cpu2 150 0 0 125 0 0 0 25 90 0\n"),
        };

        Assert.True(after.HasSteal);
        Assert.Equal(0.25, KernelCounts.Share(before, after, 2));
        Assert.Null(KernelCounts.Share(before, after, 3));
        Assert.Null(KernelCounts.Share(after, before, 2));
        Assert.Null(KernelCounts.Share(after, after, 2));
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
    public void Who_was_seen_running_on_a_vCPUs_CPU_is_told_first()
    {
        var rows = TopRows.Of(PageStatuses.Slow(), WaitRates.None, VmFilter.All, TopOrder.Cpu);

        Assert.StartsWith(
            "host/builder (pid 4200, 97 % of CPU 5)",
            rows.Single(row => row is { Pid: 4100, Index: 1 }).Who
        );
        Assert.StartsWith("backup", rows.Single(row => row is { Pid: 4000, Index: 0 }).Who);
        Assert.Equal("", rows.Single(row => row is { Pid: 4000, Index: 1 }).Who);
    }

    [Fact]
    public void Keys_sort_filter_scroll_and_quit()
    {
        Assert.Equal(TopOrder.Vm, Press(Begin, 's').Order);
        Assert.Equal(TopOrder.Moves, Press(Begin, 's', 's', 's').Order);
        Assert.Equal(TopOrder.Pain, Press(Begin, 's', 's', 's', 's').Order);
        Assert.Equal(TopOrder.Moves, Press(Begin, 'm').Order);
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
