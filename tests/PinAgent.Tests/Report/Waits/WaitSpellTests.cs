using System.Collections.Immutable;
using Microsoft.Extensions.Time.Testing;
using PinAgent.Model.Changes;
using PinAgent.Model.Cpu;
using PinAgent.Model.Node;
using PinAgent.Report.Changes;
using PinAgent.Report.Status;
using PinAgent.Report.Waits;
using PinAgent.Tests.Plan;
using PinAgent.Tests.Report.Page;
using Xunit;
using static PinAgent.Tests.Report.Page.PageVms;

namespace PinAgent.Tests.Report.Waits;

/// <summary>When a VM became slow, when it wasn't any more, and who was in its way.</summary>
public sealed class WaitSpellTests
{
    private static readonly DateTimeOffset Noon = new(2026, 3, 14, 12, 0, 0, TimeSpan.Zero);

    private readonly FakeTimeProvider _time = new(Noon);
    private readonly Dictionary<int, double> _waited = [];
    private readonly List<VmChange> _told = [];
    private readonly WaitSpells _spells = new();
    private readonly WaitHistory _history;
    private ImmutableArray<CpuTaker> _takers = [];
    private NodeStatus _node = Node(Pinned("default/vm3", 100, "2 6", "3"));

    public WaitSpellTests()
    {
        _history = new WaitHistory(
            (_, tid) => (ulong)(_waited.GetValueOrDefault(tid) * 1e9),
            _time
        );
        _history.Sample(_node);
    }

    [Fact]
    public void Half_a_minute_with_a_busy_neighbour_is_told_when_it_begins_and_when_it_is_over()
    {
        Pass(0, seconds: 60);
        _takers = [new CpuTaker(812, "stress", 6, 0.5), new CpuTaker(813, "other", 2, 0.9)];
        Pass(0.5, seconds: 30);
        Pass(0, seconds: 300);

        Assert.Equal(
            [
                (
                    VmChangeKind.WaitBegun,
                    Noon.AddSeconds(60),
                    "slow: vCPU 1 has waited 5.0 s of the last 10 s for CPU 6; there ran stress (pid 812, 50 % of CPU 6)"
                ),
                (
                    VmChangeKind.WaitEnded,
                    Noon.AddSeconds(90),
                    "no longer slow: vCPU 1 had waited 15 s of 30 s for CPU 6, up to 50 % of five seconds; there ran stress "
                        + "(pid 812, 50 % of CPU 6)"
                ),
            ],
            _told.Select(change => (change.Kind, change.At, ChangeText.What(change)))
        );
        Assert.All(
            _told,
            change =>
                Assert.Equal(("default", "vm3", 100), (change.Namespace, change.Name, change.Pid))
        );
    }

    [Fact]
    public void Another_VM_is_told_of_by_its_name_and_the_VM_itself_is_in_nobodys_way()
    {
        _node = Node(_node.Vms[0], NotDedicated("host/builder", 4200, 4, "0-7"));
        _takers =
        [
            new CpuTaker(4200, "qemu-system-x86", 6, 0.6),
            new CpuTaker(100, "qemu", 6, 0.4),
        ];
        Pass(0.5, seconds: 10);

        Assert.Equal("host/builder (pid 4200, 60 % of CPU 6)", Assert.Single(_told).By);
    }

    [Fact]
    public void While_it_goes_on_whoever_else_comes_in_the_way_is_told_of_once_and_seldom()
    {
        _takers = [new CpuTaker(812, "stress", 6, 0.5)];
        Pass(0.5, seconds: 300);
        Assert.Single(_told);

        _takers = [new CpuTaker(900, "backup", 6, 0.6), new CpuTaker(812, "stress", 6, 0.1)];
        Pass(0.5, seconds: 300);
        Assert.Equal(VmChangeKind.WaitGoesOn, _told[1].Kind);
        Assert.Equal(
            "still slow: vCPU 1 has waited 153 s of 305 s for CPU 6; there ran backup (pid 900, 60 % of CPU 6); stress (pid 812, "
                + "10 % of CPU 6)",
            ChangeText.What(_told[1])
        );
        Assert.Equal(2, _told.Count);

        for (var n = 0; n < 200; n++)
        {
            _takers = [new CpuTaker(1000 + n, $"job{n}", 6, 0.6)];
            Pass(0.5, seconds: 60);
        }

        Assert.InRange(_told.Count, 3, 20);
    }

    [Fact]
    public void The_status_says_when_the_VM_was_last_slow_and_so_it_does_after_a_restart()
    {
        Pass(0.5, seconds: 10);
        _told.ForEach(_history.Tell);
        Assert.Equal((Noon, null), (Slow()?.From, Slow()?.Until));

        Pass(0, seconds: 120);
        _history.Tell(_told[^1]);
        Assert.Equal((Noon, Noon.AddSeconds(10)), (Slow()?.From, Slow()?.Until));
        Assert.StartsWith("vCPU 1 had waited 5.0 s of 10 s for CPU 6", Slow()?.What);

        _history.Tell(_told[0]);
        _history.ForgetUnended();
        Assert.Null(Slow());

        SlowStatus? Slow() => _history.Add(_node).Vms[0].Slow;
    }

    [Fact]
    public void Where_nobody_was_seen_running_it_is_said_who_may()
    {
        _node = Node(_node.Vms[0], NotDedicated("host/builder", 4200, 4, "0-7"));
        Pass(0.5, seconds: 10);

        var begun = Assert.Single(_told);
        Assert.Null(begun.By);
        Assert.EndsWith("for CPU 6; on CPU 6 may run host/builder (6 threads)", begun.Message);
    }

    [Fact]
    public void What_swings_about_the_limit_begins_once_and_less_than_it_never_does()
    {
        Pass(0.045, seconds: 600);
        Assert.Empty(_told);

        for (var minute = 0; minute < 20; minute++)
        {
            Pass(0.07, seconds: 30);
            Pass(0.04, seconds: 30);
        }

        Assert.Equal(VmChangeKind.WaitBegun, Assert.Single(_told).Kind);
    }

    [Fact]
    public void A_moment_is_no_slowness_though_nothing_else_is_known_of_the_VM()
    {
        Pass(0.5, seconds: 5);
        Pass(0, seconds: 120);

        Assert.Empty(_told);
    }

    [Fact]
    public void One_that_is_slow_again_and_again_fills_no_history()
    {
        for (var minute = 0; minute < 180; minute++)
        {
            Pass(0.5, seconds: 10);
            Pass(0, seconds: 65);
        }

        // Told one by one they would be 360.
        Assert.InRange(_told.Count, 2, 20);
    }

    [Fact]
    public void The_end_of_the_VM_and_of_the_agent_end_it_too()
    {
        Pass(0.5, seconds: 20);
        _node = Node(Pinned("default/vm4", 200, "2 6", "3"));
        Pass(0.5, seconds: 20);
        _told.AddRange(_spells.Stop());

        Assert.Equal(
            [
                ("vm3", VmChangeKind.WaitBegun),
                ("vm3", VmChangeKind.WaitEnded),
                ("vm4", VmChangeKind.WaitBegun),
                ("vm4", VmChangeKind.WaitEnded),
            ],
            _told.Select(change => (change.Name, change.Kind))
        );
        Assert.EndsWith("; then the VM ended", _told[1].Message);
        Assert.EndsWith("; then the agent stopped", _told[3].Message);
        Assert.False(_spells.HasSlow);
    }

    [Fact]
    public void VMs_that_are_slow_and_come_as_others_again_and_again_fill_no_history()
    {
        const int AtOnce = 128;
        for (var round = 0; round < 20; round++)
        {
            var first = 10_000 + (round * AtOnce * 100);
            _node = Node([
                .. Enumerable
                    .Range(0, AtOnce)
                    .Select(n => Pinned($"default/vm{n}", first + (n * 100), "2", "3")),
            ]);
            Pass(0.9, seconds: 15);
        }

        _node = Node();
        Pass(0, seconds: 5);

        // 512 at once, and one each second of five minutes; all that began have ended.
        var begun = _told.Count(change => change.Kind == VmChangeKind.WaitBegun);
        Assert.InRange(begun, 512, 512 + 300);
        Assert.Equal(begun, _told.Count(change => change.Kind == VmChangeKind.WaitEnded));
    }

    [Fact]
    public void A_VM_that_is_not_dedicated_may_wait()
    {
        _node = Node(NotDedicated("host/builder", 4200, 4, "0-7"));
        Pass(0.9, seconds: 120);

        Assert.Empty(_told);
    }

    [Fact]
    public void Only_the_CPUs_for_which_vCPUs_wait_right_now_are_looked_at()
    {
        Pass(0.04, seconds: 10);
        Assert.True(WaitSpells.Contested(_history.Add(_node)).IsEmpty);

        Pass(0.06, seconds: 5);
        Assert.Equal(CpuSet.Parse("6"), WaitSpells.Contested(_history.Add(_node)));
        Assert.False(_history.IsCalm);

        Pass(0, seconds: 5);
        Assert.True(_history.IsCalm);
    }

    // The last vCPU of each VM waits, the others don't.
    private void Pass(double share, int seconds)
    {
        for (var passed = 0; passed < seconds; passed += 5)
        {
            _time.Advance(WaitHistory.Period);
            foreach (var vm in _node.Vms)
            {
                var last = vm.Threads[^1].Tid;
                _waited[last] = _waited.GetValueOrDefault(last) + (5 * share);
            }

            _history.Sample(_node);
            _history.See(_takers);
            _told.AddRange(
                _spells.After(
                    _history.Add(_node),
                    _history.Picture(WaitSpells.Turns),
                    _time.GetUtcNow()
                )
            );
        }
    }

    private static NodeStatus Node(params VmStatus[] vms) =>
        PageStatuses.Node("node", Nodes.Parse(Nodes.A)) with
        {
            Vms = [.. vms],
        };
}
