using System.Collections.Immutable;
using System.Globalization;
using PinAgent.Kubernetes.Watch;
using PinAgent.Model.Kubernetes;

namespace PinAgent.Observe.Cluster;

/// <summary>What is known of the node.</summary>
/// <param name="Mode">Its annotation <c>pinagent.dev/mode</c>.</param>
/// <param name="Labels">Its labels; null if they can't be read.</param>
/// <param name="Allocatable">What pods may request of it; null if that can't be read.</param>
internal sealed record NodeFacts(string? Mode, NodeLabels? Labels, NodeAllocatable? Allocatable);

/// <summary>
/// Joins what the watches know into one value that is swapped at once. Nothing of it is shown before each watch has had
/// an answer, so that no VM is judged by the half of what is told of it; a server that is silent is not waited for.
/// </summary>
internal sealed class ClusterState : IDisposable
{
    /// <summary>How long the first answers are waited for.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    private readonly string _node;
    private readonly string _server;
    private readonly Action _changed;
    private readonly Lock _lock = new();
    private volatile bool _hasWaitedEnough;
    private readonly TaskCompletionSource _settled = new(
        TaskCreationOptions.RunContinuationsAsynchronously
    );
    private readonly ITimer _patience;
    private volatile ClusterFacts _current = ClusterFacts.Connecting;

    public ClusterState(string node, string server, TimeProvider time, Action changed)
    {
        (_node, _server, _changed) = (node, server, changed);
        Pods = new("this node's pods", Publish);
        VmisHere = new("this node's VMIs", Publish);
        VmisComing = new("VMIs that migrate to this node", Publish);
        Nodes = new("this node", Publish);
        Config = new("ConfigMap kubevirt-config", Publish);
        KubeVirts = new("KubeVirt objects", Publish);
        _patience = time.CreateTimer(_ => Settle(), null, Patience, Timeout.InfiniteTimeSpan);
    }

    public ObjectStore<PodFacts> Pods { get; }

    public ObjectStore<VmiFacts> VmisHere { get; }

    public ObjectStore<VmiFacts> VmisComing { get; }

    public ObjectStore<NodeFacts> Nodes { get; }

    public ObjectStore<GateFacts> Config { get; }

    public ObjectStore<GateFacts> KubeVirts { get; }

    /// <summary>VMIs that were asked for one by one, by uid.</summary>
    public ImmutableDictionary<string, VmiFacts> Fetched { get; private set; } =
        ImmutableDictionary<string, VmiFacts>.Empty;

    /// <summary>Pods whose VMI was asked for and isn't known, by uid, with the reason.</summary>
    public ImmutableDictionary<string, string> Unfound { get; private set; } =
        ImmutableDictionary<string, string>.Empty;

    /// <summary>The facts.</summary>
    public ClusterFacts Current => _current;

    /// <summary>Ends when the facts are shown for the first time.</summary>
    public Task Settled => _settled.Task;

    private ImmutableArray<WatchHealth> Healths =>
        [Pods.Health, VmisHere.Health, VmisComing.Health, Nodes.Health];

    // No pin waits for these, and a cluster without KubeVirt objects lacks nothing.
    private IEnumerable<WatchHealth> GateHealths =>
        new[] { Config.Health, KubeVirts.Health }.Where(health => !health.IsMissing);

    /// <summary>Takes in what was asked for one by one.</summary>
    public void SetFetched(
        ImmutableDictionary<string, VmiFacts> fetched,
        ImmutableDictionary<string, string> unfound
    )
    {
        if (fetched != Fetched || unfound != Unfound)
        {
            (Fetched, Unfound) = (fetched, unfound);
            Publish();
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _patience.Dispose();

    private void Settle()
    {
        _hasWaitedEnough = true;
        Publish();
    }

    private void Publish()
    {
        lock (_lock)
        {
            var healths = Healths;
            if (
                _hasWaitedEnough
                || healths.All(health => health.HasAnswered)
                || Settled.IsCompleted
            )
            {
                // First the facts, then the word that they are there.
                _current = Compose(healths);
                _settled.TrySetResult();
            }
        }

        _changed();
    }

    private ClusterFacts Compose(ImmutableArray<WatchHealth> healths) =>
        new()
        {
            Node = _node,
            Sync = Sync(healths),
            Pods = Pods.Items,
            Vmis = Fetched.SetItems(VmisComing.Items).SetItems(VmisHere.Items),
            Unfound = Unfound,
            VmiProblem = VmiProblem(VmisHere.Health) ?? VmiProblem(VmisComing.Health),
            NodeMode = Nodes.Items.Values.FirstOrDefault()?.Mode,
            NodeLabels = Nodes.Items.Values.FirstOrDefault()?.Labels,
            Allocatable = Nodes.Items.Values.FirstOrDefault()?.Allocatable,
            CpuManagerGate = FeatureGates.Of(FeatureGates.CpuManager, Config, KubeVirts),
            SidecarGate = FeatureGates.Of(FeatureGates.Sidecar, Config, KubeVirts),
            ImageVolumeGate = FeatureGates.OfNewer(FeatureGates.ImageVolume, Config, KubeVirts),
            SupportContainers =
            [
                .. KubeVirts.Items.Values.SelectMany(facts => facts.SupportContainers),
            ],
            Notices = [.. Notices(healths.AddRange(GateHealths))],
        };

    // A right that isn't granted and a kind that isn't installed are answers, too.
    private static ClusterSync Sync(ImmutableArray<WatchHealth> healths)
    {
        var available = healths.Where(health => !health.IsUnavailable).ToList();
        var since = available.Min(health => health.Since);
        return available.Exists(health => !health.HasSynced) ? new(SyncState.NeverSynced, since)
            : since is not null ? new(SyncState.Stale, since)
            : new(SyncState.Synced, null);
    }

    private static string? VmiProblem(WatchHealth health) =>
        health.IsUnavailable || !health.HasSynced ? health.Problem ?? "no answer yet" : null;

    private IEnumerable<string> Notices(ImmutableArray<WatchHealth> healths)
    {
        healths = healths.RemoveAll(health => health.IsRenounced);
        foreach (var group in healths.GroupBy(health => health.Problem))
        {
            if (group.Key is { } problem)
            {
                var since = group
                    .Min(health => health.Since)
                    ?.UtcDateTime.ToString("u", CultureInfo.InvariantCulture);
                yield return $"API server {_server}: {Names(group)} not watched since {since}: {problem}";
            }
            else if (group.Where(health => !health.HasAnswered).ToList() is { Count: > 0 } silent)
            {
                yield return $"API server {_server}: {Names(silent)}: no answer yet";
            }
        }

        foreach (var health in healths.Where(health => health.PassedOver is not null))
        {
            yield return $"API server {_server}: {health.What}: {health.PassedOver}";
        }

        foreach (var gates in Config.Items.Values.Concat(KubeVirts.Items.Values))
        {
            if (gates.Problem is { } problem)
            {
                yield return problem;
            }
        }

        foreach (var pod in Pods.Items.Values.Where(pod => pod.Problem is not null))
        {
            yield return $"pod {pod.Namespace}/{pod.Name} can't be read: {pod.Problem}";
        }
    }

    private static string Names(IEnumerable<WatchHealth> healths) =>
        string.Join(", ", healths.Select(health => health.What));
}
