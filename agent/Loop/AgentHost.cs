using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using PinAgent.Apply;
using PinAgent.Apply.AtOnce;
using PinAgent.NativeInterop;
using PinAgent.Observe;
using PinAgent.Observe.Cgroups;
using PinAgent.Observe.Events;
using PinAgent.Observe.Files;
using PinAgent.Observe.Kubelet;
using PinAgent.Observe.Neighbours;
using PinAgent.Observe.Proc;
using PinAgent.Observe.Qemu;
using PinAgent.Report;
using PinAgent.Report.Endpoint;
using PinAgent.Report.Endpoint.Scrape;
using PinAgent.Report.Metrics;
using PinAgent.Report.Status;
using PinAgent.Report.Timeline;
using PinAgent.Report.Waits;
using PinAgent.State;

namespace PinAgent.Loop;

/// <summary>What an agent is made of: for one pass, or until it's told to stop.</summary>
internal sealed class AgentHost : IDisposable
{
    private readonly AgentSettings _settings;
    private readonly HostFiles _files;
    private readonly RunDelayReader _delays;
    private readonly KeptRunDelays _waits;
    private readonly AgentState _state;
    private readonly PassRequests _requests = new();
    private readonly ClusterServices? _cluster;
    private NodeObserver? _observer;

    /// <summary>Makes it; nothing is read of the machine yet, and nothing sent.</summary>
    /// <exception cref="InvalidDataException">The cluster's configuration can't be read.</exception>
    public AgentHost(AgentSettings settings)
    {
        _settings = settings;
        _cluster = settings.Cluster is { } cluster
            ? new ClusterServices(settings, cluster, _requests.LookForChanges)
            : null;
        _files = new HostFiles(settings.HostRoot);
        _delays = new RunDelayReader(settings.HostRoot);
        _waits = new KeptRunDelays(settings.HostRoot);
        _state = new AgentState(settings.StateDir, isInCluster: _cluster is not null);
        _state.SetAsideUnusable();
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _delays.Dispose();
        _waits.Dispose();
        _observer?.Dispose();
        _files.Dispose();
        _cluster?.Dispose();
    }

    /// <summary>Makes one pass.</summary>
    /// <returns>What came of it, and whether the VMs that were named are there and none of them refused.</returns>
    /// <exception cref="InvalidDataException">The node can't be read at all.</exception>
    public async Task<(NodeStatus Status, bool IsAsTold)> OnceAsync(CancellationToken stop)
    {
        if (_cluster is not null)
        {
            await _cluster.Watcher.StartAsync(stop);
            await _cluster.Watcher.Settled.WaitAsync(stop);
            await _cluster.PodResources.AskAsync(PodResourcesSocket.Patience, stop);
        }

        var pass = CreatePass(
            new PassSurroundings { Labels = _cluster?.Labels, Reporter = _cluster?.Reporter },
            follow: null,
            _settings.Mode(_files, _files.HasLiveProc())
        );
        var result = pass.Run();
        return (RunDelays.Add(result.Status, _delays.Read), result.IsAsTold);
    }

    /// <summary>Pins, and keeps it so.</summary>
    /// <param name="settings">How it looks, and where it shows it.</param>
    /// <param name="stop">Ends it; the pins stay.</param>
    /// <exception cref="InvalidDataException">The node can't be read at all, or another agent pins here.</exception>
    public async Task RunAsync(LoopSettings settings, CancellationToken stop)
    {
        using var held = new AgentLock(
            Path.Combine(_settings.StateDir, "agent.lock"),
            TimeProvider.System
        );
        var sole = new SoleAgent(held, _settings.Mode(_files, _files.HasLiveProc()));
        sole.Begin();
        using var atOnce = new PinsAtOnce(new PinKernel(_files), TimeProvider.System);
        using var programFiles = new HostFiles(_settings.HostRoot);
        using var names = new ThreadNameWatch(
            _requests,
            _files.HasLiveProc() ? atOnce.TryPin : null,
            _files.HasLiveProc() ? new BegunPrograms(programFiles) : null
        );
        using var hotplug = new CpuHotplugWatch(_requests);
        using var cpusets = new CpusetWatch(_requests, _settings.HostRoot, _settings.Kubelet.Root);
        using var neighbours = new NeighbourLoop(
            new NeighbourScan(
                _files.Root,
                _files.HasLiveProc(),
                _settings.Kubelet,
                _files.HasLiveProc() ? Environment.ProcessId : null
            ),
            _requests,
            TimeProvider.System
        );
        using var masks = MaskEventServices.Create(
            settings.Events,
            _files,
            _requests,
            atOnce.TryPin,
            () => names.Source
        );
        var pass = CreatePass(
            new PassSurroundings
            {
                FollowForeign = masks is null ? null : masks.Follow,
                ForeignDeeds = masks is null ? null : masks.Ledger.Take,
                Labels = _cluster?.Labels,
                Reporter = _cluster?.Reporter,
                Events = () => masks?.Source ?? names.Source,
                Meanwhile = _files.HasLiveProc() ? new MeanwhilePins(atOnce, masks?.PutBack) : null,
                Neighbours = neighbours,
                CpusetsWritten = cpusets.TakeWritten,
                OtherAgents = _files.HasLiveProc()
                    ? new OtherAgents(_files, Environment.ProcessId, TimeProvider.System).Look
                    : null,
            },
            cpusets.Follow,
            sole.Look
        );
        var builder = Host.CreateEmptyApplicationBuilder(null);
        settings.Log.AddTo(builder.Services);
        foreach (
            IHostedService watcher in new IHostedService[] { names, hotplug, cpusets, neighbours }
        )
        {
            builder.Services.AddSingleton(watcher);
        }

        if (masks is not null)
        {
            builder.Services.AddSingleton<IHostedService>(masks.Watch);
        }

        AddServices(builder.Services, pass, settings);
        using var host = builder.Build();
        var running = host
            .Services.GetServices<IHostedService>()
            .OfType<BackgroundService>()
            .ToList();
        await host.RunAsync(stop);

        // The host stops when a service throws, and keeps the exception to itself.
        foreach (var service in running)
        {
            if (service.ExecuteTask is { IsFaulted: true } fault)
            {
                await fault;
            }
        }
    }

    private void AddServices(IServiceCollection services, PinPass pass, LoopSettings settings)
    {
        var (interval, endpoint, scrape, _, log) = settings;
        var time = TimeProvider.System;
        var store = new StatusStore(time);
        var timeline = new NodeTimeline(_state.History, time);
        var waits = new WaitHistory(_waits.Read, time, _waits.Keep);
        var delays = new RunDelays(_delays.Read, time, waits);
        var metrics = new MetricsPage(
            store,
            delays,
            endpoint.VmMetrics,
            () => new Untold(_cluster?.EventsDropped, log.Dropped())
        );
        if (_files.HasLiveProc())
        {
            services.AddHostedService(provider => new WaitSampler(
                waits,
                store,
                time,
                _state.History,
                new CpuTakers(_settings.HostRoot, time),
                provider.GetRequiredService<ILogger<WaitSampler>>()
            ));
        }

        services.AddHostedService(provider => new PinLoop(
            pass,
            interval,
            _requests,
            store,
            _state.History,
            time,
            provider.GetRequiredService<ILogger<PinLoop>>(),
            _files.HasLiveProc() ? OwnThreads.OfThisProcess(new KernelThreadAffinity(_files)) : null
        ));
        services.AddHostedService(provider => new StatusServer(
            endpoint,
            store,
            metrics,
            delays,
            interval,
            time,
            provider.GetRequiredService<ILogger<StatusServer>>(),
            timeline
        ));
        _cluster?.AddTo(services);
        if (_cluster is not null && scrape is not null)
        {
            services.AddHostedService(provider => new ScrapeServer(
                scrape,
                metrics,
                _cluster.Watcher.Connection,
                time,
                provider.GetRequiredService<ILogger<ScrapeServer>>()
            ));
        }
    }

    private PinPass CreatePass(
        PassSurroundings around,
        Action<IEnumerable<CpusetFolder>>? follow,
        Func<EffectiveMode> mode
    )
    {
        var isLive = _files.HasLiveProc();
        _observer = new NodeObserver(
            _files,
            isLive ? new LiveAffinityReader() : new RecordedAffinityReader(_files),
            _settings.Kubelet.Root,
            _cluster is null ? null : () => _cluster.Watcher.Facts,
            _cluster?.PodResources,
            follow,
            _settings.Kubelet.Pods
        );
        return new PinPass(
            _observer,
            _settings.Vms,
            new PlanApplier(isLive ? new KernelThreadAffinity(_files) : new NoThreadAffinity()),
            _settings.NodeName,
            mode,
            _state,
            TimeProvider.System,
            around with
            {
                SinceBoot = KernelClock.SinceBoot,
            }
        );
    }
}
