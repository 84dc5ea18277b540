using System.Collections.Immutable;
using Microsoft.Extensions.Hosting;
using PinAgent.Model;
using PinAgent.Model.Kubernetes;
using PinAgent.Model.Node;
using PinAgent.Model.Vm;

namespace PinAgent.Observe.Kubelet;

/// <summary>
/// Keeps the PodResources API's latest answer. It works beside the passes, which never wait for it: it asks when a pass
/// has seen another checkpoint or a new pod, and once a minute.
/// </summary>
/// <param name="kubeletRoot">The kubelet's root folder below it.</param>
internal sealed class PodResourcesWatch(string root, string kubeletRoot, TimeProvider time)
    : BackgroundService
{
    /// <summary>The longest time between two questions.</summary>
    public static readonly TimeSpan Period = TimeSpan.FromSeconds(60);

    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(10);

    private readonly Trigger _trigger = new();
    private volatile Answer _answer = new(-1, new(null, null));
    private long _changes;
    private bool _hasLooked;
    private CpuManagerCheckpoint? _checkpoint;
    private ImmutableArray<ObservedVm> _vms = [];
    private HashSet<string> _pods = [];

    /// <summary>
    /// Takes in what a pass has seen, and returns the answer at once. One that was asked for before the last change isn't
    /// in force: it would contradict what it couldn't know of.
    /// </summary>
    /// <param name="checkpoint">The CPU manager's checkpoint; null if it couldn't be read.</param>
    public PodResourcesObservation Look(
        CpuManagerCheckpoint? checkpoint,
        ImmutableArray<ObservedVm> vms
    )
    {
        if (!_hasLooked || checkpoint != _checkpoint || vms != _vms)
        {
            var pods = vms.Select(vm => vm.Cgroup?.PodUid).OfType<string>().ToHashSet();
            if (_hasLooked && (checkpoint != _checkpoint || !pods.IsSubsetOf(_pods)))
            {
                Interlocked.Increment(ref _changes);
                _trigger.Set();
            }

            (_hasLooked, _checkpoint, _vms, _pods) = (true, checkpoint, vms, pods);
        }

        var answer = _answer;
        return answer.Changes == _changes
            ? answer.Observation
            : answer.Observation with
            {
                Known = null,
            };
    }

    /// <summary>Asks now, before the service is started.</summary>
    /// <param name="limit">How long the answer may take.</param>
    public async Task AskAsync(TimeSpan limit, CancellationToken stop)
    {
        var changes = Interlocked.Read(ref _changes);
        _answer = new(
            changes,
            await PodResourcesSocket.AskAsync(root, kubeletRoot, limit, time, stop)
        );
    }

    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        await using var timer = time.CreateTimer(_ => _trigger.Set(), null, Period, Period);
        try
        {
            while (true)
            {
                await AskAsync(Limit, stoppingToken);
                await _trigger.WaitAsync(stoppingToken);
            }
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // As told.
        }
    }

    /// <summary>An answer, and how many changes the passes had seen when it was asked for.</summary>
    private sealed record Answer(long Changes, PodResourcesObservation Observation);
}
