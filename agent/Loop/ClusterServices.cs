using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using PinAgent.Kubernetes.Client;
using PinAgent.Observe.Cluster;
using PinAgent.Observe.Kubelet;
using PinAgent.Report.Cluster;

namespace PinAgent.Loop;

/// <summary>What an agent has beside its passes when its machine is a cluster's node: watches, labels, events.</summary>
internal sealed class ClusterServices : IDisposable
{
    private readonly ApiOutbox _outbox;

    /// <summary>The services of a node; nothing is sent yet.</summary>
    /// <param name="agent">What the administrator has told of the machine.</param>
    /// <param name="changed">Called when the facts may be other than before.</param>
    /// <exception cref="InvalidDataException">The cluster's configuration can't be read.</exception>
    public ClusterServices(AgentSettings agent, ClusterSettings cluster, Action changed)
    {
        var time = TimeProvider.System;
        Func<double> random = Random.Shared.NextDouble;
        Watcher = new ClusterWatcher(
            () => ClusterConfig.Load(cluster.KubeConfig),
            agent.NodeName,
            cluster.KubeVirtNamespace,
            changed,
            time,
            random,
            cluster.AsksForVmis
        );
        Labels = new LabelKeeper(Watcher.Connection, agent.NodeName, cluster.Labels, time, random);
        _outbox = new ApiOutbox(Watcher.Connection, time, random);
        Reporter = new ClusterReporter(_outbox, agent.NodeName, cluster.AnnotatesPods, time);
        PodResources = new PodResourcesWatch(agent.HostRoot, agent.Kubelet.Root, time);
    }

    /// <summary>What the API server tells.</summary>
    public ClusterWatcher Watcher { get; }

    /// <summary>The node's labels.</summary>
    public LabelKeeper Labels { get; }

    /// <summary>Events, and the pods' annotation.</summary>
    public ClusterReporter Reporter { get; }

    /// <summary>
    /// What the kubelet's PodResources API tells. It names pods as the API does, so without a cluster nothing would tell
    /// whose CPUs they are.
    /// </summary>
    public PodResourcesWatch PodResources { get; }

    /// <summary>How many events, and changes of the annotation, never reached the API server.</summary>
    public long EventsDropped => _outbox.Dropped;

    /// <summary>Lets a host run them.</summary>
    public void AddTo(IServiceCollection services)
    {
        Add(services, Watcher, logger => Watcher.Logger = logger);
        Add(services, Labels, logger => Labels.Logger = logger);
        Add(services, _outbox, logger => _outbox.Logger = logger);
        services.AddSingleton<IHostedService>(PodResources);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        PodResources.Dispose();
        _outbox.Dispose();
        Labels.Dispose();
        Watcher.Dispose();
    }

    private static void Add<T>(IServiceCollection services, T service, Action<ILogger> log)
        where T : BackgroundService =>
        services.AddSingleton<IHostedService>(provider =>
        {
            log(provider.GetRequiredService<ILogger<T>>());
            return service;
        });
}
