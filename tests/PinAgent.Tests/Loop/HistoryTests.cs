using System.Threading.Channels;
using Microsoft.Extensions.Logging.Abstractions;
using PinAgent.Loop;
using PinAgent.Model.Changes;
using PinAgent.Observe.Events;
using PinAgent.Observe.Neighbours;
using PinAgent.Report.Status;
using PinAgent.State;
using PinAgent.Tests.Kubernetes;
using Xunit;

namespace PinAgent.Tests.Loop;

/// <summary>What the running agent writes into its history.</summary>
public sealed class HistoryTests : IAsyncLifetime
{
    private readonly WatchedTime _time = new();
    private readonly PassRequests _requests = new();
    private readonly Channel<VmChange> _added = Channel.CreateUnbounded<VmChange>();
    private readonly OneVmHost _one;
    private readonly PinLoop _loop;
    private NeighbourLoop? _neighbours;

    public HistoryTests()
    {
        _one = new OneVmHost(one => new PassSurroundings
        {
            Neighbours = _neighbours =
                new NeighbourLoop(
                    new NeighbourScan(one.Host.Root, isLive: false),
                    _requests,
                    _time
                ),
        });
        _loop = new PinLoop(
            _one.Pass,
            TimeSpan.FromHours(1),
            _requests,
            new StatusStore(TimeProvider.System),
            new HistoryFile(_one.Host.PathOf("/state/changes.jsonl")) { Added = Told },
            TimeProvider.System,
            NullLogger<PinLoop>.Instance
        );
    }

    public async ValueTask InitializeAsync()
    {
        await _neighbours!.StartAsync(TestContext.Current.CancellationToken);
        await _time.NextWaitAsync(NeighbourLoop.Period, NeighbourLoop.Period);
    }

    public async ValueTask DisposeAsync()
    {
        await _loop.StopAsync(TestContext.Current.CancellationToken);
        await _neighbours!.StopAsync(TestContext.Current.CancellationToken);
        _loop.Dispose();
        _neighbours.Dispose();
        _one.Dispose();
    }

    [Fact(Timeout = Patience.Hang)]
    public async Task A_violation_is_written_down_when_it_begins_and_when_it_ends()
    {
        new FakeProcess(_one.Host, 50, "noise").Thread(50, "noise", "2-3");
        await _loop.StartAsync(TestContext.Current.CancellationToken);

        var begun = await NextAsync(VmChangeKind.ViolationBegun);
        _one.Host.Delete("/proc/50");
        _time.Advance(NeighbourLoop.Period);
        var ended = await NextAsync(VmChangeKind.ViolationEnded);

        Assert.Equal(
            ("vm1", "noise (pid 50, 1 thread)", "noise (pid 50, 1 thread)"),
            (begun.Name, begun.By, ended.By)
        );
        Assert.Equal(
            [VmChangeKind.ViolationBegun, VmChangeKind.ViolationEnded],
            History()
                .Select(change => change.Kind)
                .Where(kind => kind is VmChangeKind.ViolationBegun or VmChangeKind.ViolationEnded)
        );
    }

    private void Told(IEnumerable<VmChange> changes)
    {
        foreach (var change in changes)
        {
            _added.Writer.TryWrite(change);
        }
    }

    private async Task<VmChange> NextAsync(VmChangeKind kind)
    {
        while (true)
        {
            var change = await _added.Reader.ReadAsync(TestContext.Current.CancellationToken);
            if (change.Kind == kind)
            {
                return change;
            }
        }
    }

    private IEnumerable<VmChange> History() =>
        new HistoryFile(_one.Host.PathOf("/state/changes.jsonl")).Read();
}
