using System.Text;
using PinAgent.Model.Node;
using PinAgent.Model.Vm;
using PinAgent.Report.Metrics;
using PinAgent.Report.Status;
using PinAgent.Tests.Report.Page;
using Xunit;
using static PinAgent.Tests.Report.Page.PageVms;

namespace PinAgent.Tests.Report.Metrics;

/// <summary>The text that Prometheus reads: a contract, so it's compared with files.</summary>
public sealed class NodeMetricsTests
{
    private static readonly PassCounters Counters = PassCounters
        .None.With(new PassFigures(TimeSpan.FromMilliseconds(2), [], 0), null, TimeSpan.Zero)
        .With(
            new PassFigures(
                null,
                [TimeSpan.FromMicroseconds(180), TimeSpan.FromMilliseconds(3)],
                4
            ),
            PageStatuses.Medium(),
            TimeSpan.Zero
        )
        .With(
            new PassFigures(TimeSpan.FromMilliseconds(7.5), [], 0) { Writers = [("taskset", 3)] },
            PageStatuses.Medium(),
            TimeSpan.FromSeconds(1.5)
        )
        .With(
            new PassFigures(TimeSpan.FromSeconds(9), [], 0),
            PageStatuses.Medium(),
            TimeSpan.FromSeconds(1)
        );

    private static string Render(NodeStatus status, bool withVms = false) =>
        NodeMetrics.Render(
            status,
            Counters,
            "1.2.3",
            withVms,
            new Untold(Events: 3, LogLines: 5),
            new WorstWaits().After(RunDelays.Add(status, tid => (ulong)tid))
        );

    [Fact]
    public void The_metrics_of_a_node_are_those_that_dashboards_know()
    {
        Golden.Check("metrics/node.txt", Render(PageStatuses.Medium()));
    }

    [Fact]
    public void The_metrics_of_single_VMs_are_those_that_dashboards_know()
    {
        var status = RunDelays.Add(PageStatuses.Small(), tid => (ulong)tid * 1_000_000);
        var nodes = Render(status);

        var all = Render(status, withVms: true);

        Assert.StartsWith(nodes, all, StringComparison.Ordinal);
        Golden.Check("metrics/vms.txt", all[nodes.Length..]);
    }

    [Fact]
    public void A_hundred_VMs_make_one_series_each_and_less_than_100_kB()
    {
        var one = Render(WithVms(1));
        var hundred = Render(WithVms(100));

        Assert.Equal(
            one.Count(letter => letter == '\n') + 99,
            hundred.Count(letter => letter == '\n')
        );
        Assert.InRange(Encoding.UTF8.GetByteCount(hundred), 1, 100_000);
    }

    [Fact]
    public void What_is_not_known_has_no_series_instead_of_a_wrong_one()
    {
        var text = Render(
            PageStatuses.Small() with
            {
                CpuManager = new CpuManagerStatus(CpuManagerState.Unknown, null, []),
            }
        );

        Assert.DoesNotContain("cpu_manager_running", text);
        Assert.DoesNotContain("shared_pool_cpus", text);
        Assert.DoesNotContain("api_sync", text);
        Assert.DoesNotContain("node_label_wrong", text);
        Assert.Contains("pinagent_cpu_manager_state{state=\"unknown\"} 1\n", text);
    }

    [Theory]
    [InlineData(VmState.Refused, Reason.NotEnoughCpus, true)]
    [InlineData(VmState.NotExclusive, Reason.PodLacksCpus, true)]
    [InlineData(VmState.Waiting, Reason.ThreadsUnnamed, true)]
    [InlineData(VmState.Waiting, Reason.AuditMode, false)]
    [InlineData(VmState.Waiting, Reason.VcpuThreadsStarting, false)]
    [InlineData(VmState.Waiting, Reason.ThreadGone, false)]
    [InlineData(VmState.Pinned, null, false)]
    public void An_unpinned_VM_counts_unless_that_is_meant_or_it_only_begins_or_ends(
        VmState state,
        Reason? reason,
        bool counts
    )
    {
        var status = WithVms(1);
        var vm = status.Vms[0] with { State = state, Reason = reason };
        var node = status with { Vms = [vm, NotDedicated("default/other", 9000, 1, "0")] };

        var seconds = PassCounters
            .None.With(new PassFigures(TimeSpan.Zero, [], 0), node, TimeSpan.FromSeconds(3))
            .Unpinned;

        Assert.Equal(counts ? 3 : 0, seconds.TotalSeconds);
        Assert.Equal(
            counts,
            Render(node).Contains($"pinagent_unpinned_vms{{reason=\"{reason}\"}} 1\n", default)
        );
    }

    [Fact]
    public async Task Prometheus_reads_them_whatever_VMs_are_called()
    {
        var vm = Pinned("default/vm1", 4000, "2 6", "3");
        var status = PageStatuses.Medium() with
        {
            Vms = [vm, vm with { Pid = 5000 }, vm with { Name = "a\"b\\c\nd{e=\"f\"} 1" }],
        };
        var text = Render(status, withVms: true);

        Assert.Contains("vm=\"a\\\"b\\\\c\\nd{e=\\\"f\\\"} 1\"", text);
        Assert.Equal(
            text.Split('\n').Length,
            text.Split('\n').Distinct(StringComparer.Ordinal).Count()
        );
        await Promtool.CheckAsync(text, "check", "metrics");
    }

    private static NodeStatus WithVms(int count) =>
        PageStatuses.Small() with
        {
            Vms =
            [
                .. Enumerable.Range(1, count).Select(n => Pinned($"ns/{n}", n * 100, "2 6", "3")),
            ],
        };
}
