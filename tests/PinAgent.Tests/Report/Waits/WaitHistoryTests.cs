using Microsoft.Extensions.Time.Testing;
using PinAgent.Report.Status;
using PinAgent.Report.Waits;
using PinAgent.Tests.Plan;
using PinAgent.Tests.Report.Page;
using Xunit;
using static PinAgent.Tests.Report.Page.PageVms;

namespace PinAgent.Tests.Report.Waits;

/// <summary>A node's waits: what is read, what is kept, and what the status says.</summary>
public sealed class WaitHistoryTests
{
    private readonly FakeTimeProvider _time = new();
    private readonly Dictionary<int, int> _reads = [];
    private double _share = 0.02;

    [Fact]
    public void The_status_says_what_each_vCPU_waited_in_the_last_sample_and_minute()
    {
        var history = new WaitHistory(Read, _time);
        var node = Node(Pinned("default/vm1", 100, "2 6", "3"));

        history.Sample(node);
        Assert.Same(node, history.Add(node));
        Pass(history, node, 12);
        _share = 0.14;
        Pass(history, node, 1);

        var told = history.Add(node);
        Assert.Equal(new WaitsStatus(_time.GetUtcNow(), 60), told.Waits);
        Assert.Equal(
            [null, null, new VcpuWait(0.14, 0.03), new VcpuWait(0.14, 0.03)],
            told.Vms[0].Threads.Select(thread => thread.Wait)
        );
        Assert.Contains("\"wait\": {", told.ToJson());
        Assert.DoesNotContain("\"waits\"", node.ToJson());
    }

    [Fact]
    public void Right_after_the_start_it_says_how_many_seconds_it_knows_of()
    {
        var history = new WaitHistory(Read, _time);
        var node = Node(Pinned("default/vm1", 100, "2 6", "3"));
        history.Sample(node);

        Pass(history, node, 3);

        Assert.Equal(15, history.Add(node).Waits?.Seconds);
    }

    [Fact]
    public void Two_hundred_threads_are_read_in_a_turn_and_the_others_take_turns()
    {
        var history = new WaitHistory(Read, _time);
        var node = Node([.. Enumerable.Range(0, 50).Select(n => Vm(1000 * (n + 1), 16))]);

        history.Sample(node);
        Assert.Equal(200, _reads.Values.Sum());
        Pass(history, node, 3);

        Assert.Equal(800, _reads.Count);
        Assert.All(_reads.Values, times => Assert.Equal(1, times));
    }

    [Fact]
    public void A_VM_with_a_thousand_vCPUs_takes_its_own_turn_and_nobody_elses()
    {
        var history = new WaitHistory(Read, _time);
        var node = Node([
            Vm(10_000, 1000),
            .. Enumerable.Range(0, 40).Select(n => Vm(100_000 + (100 * n), 4)),
        ]);

        history.Sample(node);
        Pass(history, node, 9);

        Assert.All(_reads.Where(read => read.Key >= 100_000), read => Assert.Equal(10, read.Value));
    }

    [Fact]
    public void Nor_does_one_whose_threads_are_others_each_time()
    {
        var history = new WaitHistory(Read, _time);
        var others = Enumerable.Range(0, 60).Select(n => Vm(100_000 + (100 * n), 8)).ToArray();

        for (var turn = 0; turn < 12; turn++)
        {
            history.Sample(Node([Vm(10_000, 1000, skip: turn), .. others]));
            _time.Advance(WaitHistory.Period);
        }

        var read = _reads.Where(read => read.Key >= 100_000).ToList();
        Assert.Equal(480, read.Count);
        Assert.All(read, one => Assert.InRange(one.Value, 4, 6));
    }

    [Fact]
    public void No_more_vCPUs_are_remembered_than_there_is_memory_for_and_each_VM_has_some()
    {
        var history = new WaitHistory(Read, _time);
        var node = Node(Vm(10_000, 4000), Vm(20_000, 3), Vm(30_000, 4000));

        history.Sample(node);
        Pass(history, node, 30);

        var known = history
            .Add(node)
            .Vms.Select(vm => vm.Threads.Count(thread => thread.Wait is not null));
        Assert.Equal([1023, 3, 1022], known);
    }

    [Fact]
    public void A_VM_that_ends_is_forgotten_and_others_go_on()
    {
        var history = new WaitHistory(Read, _time);
        var (one, two) = (Vm(1000, 2), Vm(2000, 2));
        history.Sample(Node(one, two));
        Pass(history, Node(one, two), 2);

        Pass(history, Node(two), 1);

        var picture = history.Picture();
        Assert.True(picture.Of(1000, 1010).IsEmpty);
        Assert.Equal(200, picture.Of(2000, 2010)[^1]);
        Assert.Equal(200, picture.Of(2000, 2010)[^3]);
        Assert.Equal(WaitSeries.Unknown, picture.Of(2000, 2010)[^4]);
    }

    [Fact]
    public void A_VMs_waits_are_those_of_its_worst_vCPU_at_each_time()
    {
        var vm = Vm(1000, 2);
        var picture = new WaitPicture(
            new Dictionary<(int, int), ushort[]>
            {
                [(1000, 1010)] = [WaitSeries.Unknown, 5, 90],
                [(1000, 1011)] = [WaitSeries.Unknown, 70, WaitSeries.Unknown],
            }
        );

        Assert.Equal([WaitSeries.Unknown, 70, 90], picture.Worst(vm));
    }

    private ulong? Read(int pid, int tid)
    {
        _reads[tid] = _reads.GetValueOrDefault(tid) + 1;
        return (ulong)(_waited.GetValueOrDefault(tid) * 1e9);
    }

    private readonly Dictionary<int, double> _waited = [];

    private void Pass(WaitHistory history, NodeStatus node, int turns)
    {
        for (var turn = 0; turn < turns; turn++)
        {
            _time.Advance(WaitHistory.Period);
            foreach (var thread in node.Vms.SelectMany(vm => vm.Threads))
            {
                _waited[thread.Tid] =
                    _waited.GetValueOrDefault(thread.Tid)
                    + (_share * WaitHistory.Period.TotalSeconds);
            }

            history.Sample(node);
        }
    }

    private static VmStatus Vm(int pid, int vcpus, int skip = 0)
    {
        var vm = Pinned(
            $"default/vm{pid}",
            pid,
            string.Join(' ', Enumerable.Repeat("1", vcpus + skip)),
            "0"
        );
        return vm with { Threads = [.. vm.Threads[..2], .. vm.Threads[(2 + skip)..]] };
    }

    private static NodeStatus Node(params VmStatus[] vms) =>
        PageStatuses.Node("node", Nodes.Parse(Nodes.A)) with
        {
            Vms = [.. vms],
        };
}
