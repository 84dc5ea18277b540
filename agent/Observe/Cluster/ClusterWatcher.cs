using k8s;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using PinAgent.Kubernetes.Client;
using PinAgent.Kubernetes.Watch;
using PinAgent.Model.Kubernetes;

namespace PinAgent.Observe.Cluster;

/// <summary>
/// Keeps what the API server tells of this node: its pods, their VMIs, its own annotation, KubeVirt's feature gates. Six
/// watches, and nothing else at rest.
/// </summary>
internal sealed class ClusterWatcher : BackgroundService
{
    private const string WithoutVmis = "not asked for: without-vmi-rights is set";

    private static readonly string[] VmiPaths =
    [
        "/apis/kubevirt.io/v1/virtualmachineinstances",
        "/apis/kubevirt.io/v1alpha3/virtualmachineinstances",
    ];

    private readonly ApiConnection _connection;
    private readonly ClusterState _state;
    private readonly Func<CancellationToken, Task>[] _tasks;

    /// <summary>Creates the watches; nothing is sent yet.</summary>
    /// <param name="kubeVirtNamespace">Where ConfigMap <c>kubevirt-config</c> is.</param>
    /// <param name="changed">Called when the facts may be other than before.</param>
    /// <param name="random">From 0 to below 1: spreads what many nodes would do at once.</param>
    /// <param name="mayReadVmis">Whether there's a right to; without it nothing asks in vain, on none of many nodes.</param>
    /// <exception cref="InvalidDataException">The configuration can't be read.</exception>
    public ClusterWatcher(
        Func<KubernetesClientConfiguration> load,
        string node,
        string kubeVirtNamespace,
        Action changed,
        TimeProvider time,
        Func<double> random,
        bool mayReadVmis = true
    )
    {
        _connection = new ApiConnection(load, time);
        var name = Uri.EscapeDataString(node);
        VmiLookup? lookup = null;
        _state = new ClusterState(
            node,
            _connection.Server.AbsoluteUri.TrimEnd('/'),
            time,
            () =>
            {
                lookup?.Wake();
                changed();
            }
        );
        var vmis = Watch(
            new("VMIs", VmiPaths, $"labelSelector=kubevirt.io%2FnodeName%3D{name}"),
            ApiReader.Vmis,
            _state.VmisHere
        );
        var coming = Watch(
            new(
                "migrating VMIs",
                VmiPaths,
                $"labelSelector=kubevirt.io%2FmigrationTargetNodeName%3D{name}"
            ),
            ApiReader.Vmis,
            _state.VmisComing
        );
        lookup = new VmiLookup(_connection, _state, () => vmis.Path, time, random);
        _tasks =
        [
            Watch(
                new("pods", ["/api/v1/pods"], $"fieldSelector=spec.nodeName%3D{name}"),
                ApiReader.Pods,
                _state.Pods
            ).RunAsync,
            Watch(
                new("node", ["/api/v1/nodes"], $"fieldSelector=metadata.name%3D{name}"),
                ApiReader.Nodes,
                _state.Nodes
            ).RunAsync,
            Watch(
                new(
                    "ConfigMap kubevirt-config",
                    [$"/api/v1/namespaces/{Uri.EscapeDataString(kubeVirtNamespace)}/configmaps"],
                    "fieldSelector=metadata.name%3Dkubevirt-config",
                    IsOptional: true
                ),
                FeatureGates.ConfigMaps,
                _state.Config
            ).RunAsync,
            Watch(
                // Of all namespaces, with whatever labels.
                new(
                    "KubeVirt objects",
                    FeatureGates.KubeVirtPaths,
                    "labelSelector=",
                    IsOptional: true
                ),
                FeatureGates.KubeVirts,
                _state.KubeVirts
            ).RunAsync,
            lookup.RunAsync,
            .. mayReadVmis
                ? [vmis.RunAsync, coming.RunAsync]
                : Array.Empty<Func<CancellationToken, Task>>(),
        ];
        if (!mayReadVmis)
        {
            _state.VmisHere.Renounce(WithoutVmis);
            _state.VmisComing.Renounce(WithoutVmis);
        }

        ObjectWatch<T> Watch<T>(WatchTarget target, ObjectKind<T> kind, ObjectStore<T> store)
            where T : IEquatable<T> =>
            new(_connection, target, kind, store, time, random, () => Logger);
    }

    /// <summary>The log.</summary>
    public ILogger Logger { get; set; } = NullLogger.Instance;

    /// <summary>The way to the server.</summary>
    internal ApiConnection Connection => _connection;

    /// <summary>What is known now.</summary>
    public ClusterFacts Facts => _state.Current;

    /// <summary>Ends when there are first facts, or the server is known not to answer for now.</summary>
    public Task Settled => _state.Settled;

    /// <inheritdoc/>
    public override void Dispose()
    {
        base.Dispose();
        _state.Dispose();
        _connection.Dispose();
    }

    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var end = CancellationTokenSource.CreateLinkedTokenSource(stoppingToken);
        var running = _tasks.Select(task => task(end.Token)).ToList();

        // None ends by itself but with a bug, and then the others must not hide it.
        await Task.WhenAny(running);
        await end.CancelAsync();
        await Task.WhenAll(running);
    }
}
