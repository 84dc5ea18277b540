using System.Collections.Immutable;
using Microsoft.Extensions.Hosting;
using PinAgent.Model.Node;
using PinAgent.NativeInterop;
using PinAgent.Observe.Events;
using PinAgent.Observe.Neighbours;
using PinAgent.Plan;

namespace PinAgent.Loop;

/// <summary>
/// Looks around the VMs beside the passes, which never wait for it: after the first pass, and once a minute, on a thread
/// that goes behind the others. A pass is asked for when it finds something else than before.
/// </summary>
internal sealed class NeighbourLoop(NeighbourScan scan, PassRequests requests, TimeProvider time)
    : BackgroundService
{
    /// <summary>The time between two looks.</summary>
    public static readonly TimeSpan Period = TimeSpan.FromSeconds(60);

    private readonly AutoResetEvent _due = new(initialState: false);
    private volatile Planned _planned = new([]);
    private volatile NodeNeighbours _found = NodeNeighbours.Nothing;
    private bool _hasBegun;

    /// <summary>What was found last.</summary>
    public NodeNeighbours Found => _found;

    /// <summary>Takes in what a pass has planned.</summary>
    public void Follow(ImmutableArray<VmPlan> vms)
    {
        _planned = new(vms);
        if (!_hasBegun)
        {
            _hasBegun = true;
            _due.Set();
        }
    }

    /// <inheritdoc/>
    protected override Task ExecuteAsync(CancellationToken stoppingToken) =>
        // A thread of its own, for its priority is its own.
        Task.Factory.StartNew(
            () => Run(stoppingToken),
            stoppingToken,
            TaskCreationOptions.LongRunning,
            TaskScheduler.Default
        );

    /// <inheritdoc/>
    public override void Dispose()
    {
        base.Dispose();
        _due.Dispose();
    }

    private void Run(CancellationToken stop)
    {
        // First, for a thread that it begins would go behind the others too.
        using var timer = time.CreateTimer(_ => _due.Set(), null, Period, Period);
        SchedPriority.Lower();
        while (WaitHandle.WaitAny([stop.WaitHandle, _due]) == 1)
        {
            var found = scan.Look([
                .. _planned.Vms.Select(vm => new ScannedVm(vm.Vm, vm.VcpuCpus)),
            ]);
            if (found != _found)
            {
                _found = found;
                requests.LookForChanges();
            }
        }
    }

    /// <summary>What one thread writes and another reads.</summary>
    private sealed record Planned(ImmutableArray<VmPlan> Vms);
}
