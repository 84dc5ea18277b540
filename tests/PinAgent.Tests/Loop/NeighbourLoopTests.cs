using PinAgent.Loop;
using PinAgent.Model.Node;
using PinAgent.Observe.Events;
using PinAgent.Plan;
using PinAgent.Tests.Kubernetes;
using PinAgent.Tests.Observe.Neighbours;
using PinAgent.Tests.Plan;
using Xunit;

namespace PinAgent.Tests.Loop;

/// <summary>When the agent looks around its VMs, and what a pass gets to know of it.</summary>
public sealed class NeighbourLoopTests : IAsyncLifetime
{
    // The look is at the lowest priority: on a busy machine it comes late.
    private const int Timeout = Patience.Hang;
    private readonly NeighbourHost _host = new();
    private readonly WatchedTime _time = new();
    private readonly PassRequests _requests = new();
    private readonly NeighbourLoop _loop;

    private readonly VmPlan _plan = new Node { Settings = new PlanSettings(["vm1"], []) }.PassOne(
        NeighbourHost.Target.Vm
    );

    public NeighbourLoopTests() => _loop = new NeighbourLoop(_host.Scan, _requests, _time);

    public async ValueTask InitializeAsync()
    {
        await _loop.StartAsync(TestContext.Current.CancellationToken);
        await _time.NextWaitAsync(NeighbourLoop.Period, NeighbourLoop.Period);
    }

    public async ValueTask DisposeAsync()
    {
        await _loop.StopAsync(TestContext.Current.CancellationToken);
        _loop.Dispose();
        _host.Dispose();
    }

    [Fact(Timeout = Timeout)]
    public async Task It_looks_after_the_first_pass_and_every_minute_and_asks_for_a_pass()
    {
        _host.Process(50, "noise", "3");
        Assert.Equal(NodeNeighbours.Nothing, _loop.Found);
        _loop.Follow([_plan]);

        await PassAsked();
        Assert.Equal("noise", Assert.Single(_loop.Found.Processes).Comm);

        _host.Host.Delete("/proc/50");
        _time.Advance(NeighbourLoop.Period);

        await PassAsked();
        Assert.Empty(_loop.Found.Processes);
    }

    private Task PassAsked() =>
        Task.Run(
            () =>
                _requests.Wait(TimeSpan.FromHours(1), TestContext.Current.CancellationToken, out _),
            TestContext.Current.CancellationToken
        );
}
