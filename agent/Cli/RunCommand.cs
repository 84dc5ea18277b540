using System.Collections.Immutable;
using System.CommandLine;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using PinAgent.Apply;
using PinAgent.Cli.Options;
using PinAgent.Cli.Settings;
using PinAgent.Cli.Terminal;
using PinAgent.Loop;
using PinAgent.Model.Node;
using PinAgent.Observe;
using PinAgent.Observe.Events;
using PinAgent.Observe.Files;
using PinAgent.Observe.Kubelet;
using PinAgent.Observe.Neighbours;
using PinAgent.Observe.Proc;
using PinAgent.Observe.Qemu;
using PinAgent.Observe.Vmi;
using PinAgent.Plan.Placement;
using PinAgent.Report.Endpoint;
using PinAgent.Report.Endpoint.Scrape;
using PinAgent.Report.Status;
using PinAgent.State;
using Serilog;

namespace PinAgent.Cli;

/// <summary><c>pinagent run</c>: the agent itself.</summary>
internal static class RunCommand
{
    private static readonly Setting<bool> Standalone = CommonOptions.Flag(
        "--standalone",
        "Run on one machine, without a cluster."
    );

    private static readonly Option<bool> Once = new("--once")
    {
        Description = "Make one pass, print the node's status and exit.",
    };

    private static readonly Setting<ImmutableArray<string>> Vms = CommonOptions.Texts(
        "--vm",
        "NAME",
        "Pin this guest (the name in QEMU's -name) and those named likewise, and no others."
    );

    private static readonly Setting<ImmutableArray<string>> Vmis = CommonOptions.Texts(
        "--vmi",
        "FILE|DIR",
        "Read VirtualMachineInstances from this file or folder, YAML or JSON."
    );

    internal static readonly Setting<AgentMode> Mode = CommonOptions.Choice(
        "--mode",
        "Set the threads' masks, or only report what would be set.",
        [("enforce", AgentMode.Enforce), ("audit", AgentMode.Audit)]
    );

    private static readonly Setting<TimeSpan> Interval = CommonOptions.Seconds(
        "--interval",
        "The longest time between two passes, a tenth of it in a VM's first 5 s; a change that is told of makes one at once.",
        "1"
    );

    internal static readonly Setting<string> NodeName = CommonOptions.Text(
        "--node-name",
        "NAME",
        "The node's name, in the cluster and in the status; also in NODE_NAME.",
        Environment.GetEnvironmentVariable("NODE_NAME") is { Length: > 0 } name
            ? name
            : Environment.MachineName
    );

    private static readonly Setting<OutputFormat> Format = CommonOptions.Output("table");

    public static Command Create()
    {
        var command = new DetailedCommand(
            "run",
            "Pin the vCPUs of this machine's dedicated VMs, each to its own CPU, and keep them there.",
            """
            Which VMs are dedicated: on a cluster's node those whose VirtualMachineInstance says so, with
            dedicatedCpuPlacement; while the API server is away, those of which it said so before. The annotation
            pinagent.dev/mode (audit, off) on a VMI, its pod or the node lowers the mode there.
            With --standalone, those named with --vm. Without --vm, those whose VMI (--vmi) says so, and those whose
            cgroup somebody has given CPUs that no other VM's has. No other VM is touched.
            A VMI is matched by its guest's name, <namespace>_<name>, and says what a command line can't: whether the
            emulator is isolated, its parity, supplemental I/O threads, strict NUMA.
            All options but --once may stand in a settings file (--config): "mode: audit". An edit of mode there takes effect
            at once, other settings when the agent starts.
            Ctrl-C and SIGTERM stop the agent; the pins stay in place.
            """,
            "pinagent run --standalone --vm default_vm1 --once"
        )
        {
            Standalone,
            Once,
            Vms,
            Vmis,
            Mode,
            Interval,
            NodeName,
            Format,
            CommonOptions.HostRoot,
            CommonOptions.KubeletRoot,
        };
        command.OwnsFile = true;
        EndpointOptions.AddTo(command);
        ClusterOptions.AddTo(command);
        command.SetAction(RunAsync);
        return command;
    }

    private static async Task<int> RunAsync(ParseResult parsed, CancellationToken stop)
    {
        var isStandalone = Standalone.Get(parsed);
        if (!isStandalone && Vms.Get(parsed).Length + Vmis.Get(parsed).Length > 0)
        {
            return Failure.Usage(
                "run: --vm and --vmi need --standalone: in a cluster the API tells"
            );
        }

        var scrape = EndpointOptions.GetScrape(parsed);
        if (isStandalone && scrape is not null)
        {
            return Failure.Usage(
                "run: --metrics-listen needs a cluster, which tells who may read: without one, use /metrics of --tcp"
            );
        }

        try
        {
            var requests = new PassRequests();
            using var cluster = isStandalone
                ? null
                : ClusterServices.Create(parsed, requests.LookForChanges);
            using var files = new HostFiles(CommonOptions.HostRoot.Get(parsed));
            using var delays = new RunDelayReader(CommonOptions.HostRoot.Get(parsed));
            var settings = new PlanSettings(
                Vms.Get(parsed),
                [.. Vmis.Get(parsed).SelectMany(path => VmiFile.ReadAll(path))]
            );
            var state = new AgentState(
                ClusterOptions.StateDir.Get(parsed),
                isInCluster: cluster is not null
            );
            state.SetAsideUnusable();
            using var names = new ThreadNameWatch(requests);
            using var hotplug = new CpuHotplugWatch(requests);
            using var cpusets = new CpusetWatch(
                requests,
                CommonOptions.HostRoot.Get(parsed),
                CommonOptions.KubeletRoot.Get(parsed)
            );
            if (!parsed.GetValue(Once))
            {
                using var survey = new NeighbourLoop(
                    new NeighbourScan(files.Root, files.HasLiveProc()),
                    requests,
                    TimeProvider.System
                );
                return await LoopAsync(
                    Compose(
                        parsed,
                        files,
                        settings,
                        state,
                        cluster,
                        () => names.Source,
                        cpusets.Follow,
                        survey
                    ),
                    state.History,
                    Interval.Get(parsed),
                    EndpointOptions.Get(parsed),
                    scrape,
                    new RunDelays(delays.Read, TimeProvider.System),
                    requests,
                    [names, hotplug, cpusets, survey],
                    cluster,
                    stop
                );
            }

            if (cluster is not null)
            {
                await cluster.Watcher.StartAsync(stop);
                await cluster.Watcher.Settled.WaitAsync(stop);
                await cluster.PodResources.AskAsync(PodResourcesSocket.Patience, stop);
            }

            var pass = Compose(parsed, files, settings, state, cluster);
            var status = RunDelays.Add(pass.Run().Status, delays.Read);
            Output.Print(Format.Get(parsed), () => StatusTable.Render(status), status.ToJson);
            return ExitCode.Fine;
        }
        catch (InvalidDataException problem)
        {
            return Failure.Because(problem.Message);
        }
    }

    private static PinPass Compose(
        ParseResult parsed,
        HostFiles files,
        PlanSettings settings,
        AgentState state,
        ClusterServices? cluster,
        Func<EventSource>? events = null,
        Action<IEnumerable<string>>? follow = null,
        NeighbourLoop? survey = null
    )
    {
        var isLive = files.HasLiveProc();
        var mode = new LiveMode(parsed, Mode);
        IAffinityReader affinity = isLive
            ? new LiveAffinityReader()
            : new RecordedAffinityReader(files);
        return new PinPass(
            new NodeObserver(
                files,
                affinity,
                CommonOptions.KubeletRoot.Get(parsed),
                cluster is null ? null : () => cluster.Watcher.Facts,
                cluster?.PodResources,
                follow
            ),
            settings,
            Placer.Default,
            new PlanApplier(isLive ? new KernelThreadAffinity(files) : new NoThreadAffinity()),
            NodeName.Get(parsed),
            HostMode.Of(mode, files, isLive, Mode.IsOnCommandLine(parsed)),
            state,
            TimeProvider.System,
            cluster?.Labels,
            cluster?.Reporter,
            events,
            survey
        );
    }

    private static async Task<int> LoopAsync(
        PinPass pass,
        HistoryFile history,
        TimeSpan interval,
        EndpointSettings endpoint,
        ScrapeSettings? scrape,
        RunDelays delays,
        PassRequests requests,
        IReadOnlyList<IHostedService> watchers,
        ClusterServices? cluster,
        CancellationToken stop
    )
    {
        var store = new StatusStore(TimeProvider.System);
        var metrics = new MetricsPage(
            store,
            delays,
            endpoint.VmMetrics,
            cluster is null ? null : () => cluster.EventsDropped
        );
        var builder = Host.CreateEmptyApplicationBuilder(null);
        builder.Services.AddSerilog(Logs.Configure, preserveStaticLogger: true);
        foreach (var watcher in watchers)
        {
            builder.Services.AddSingleton(watcher);
        }

        builder.Services.AddHostedService(services => new PinLoop(
            pass,
            interval,
            requests,
            store,
            history,
            TimeProvider.System,
            services.GetRequiredService<ILogger<PinLoop>>()
        ));
        builder.Services.AddHostedService(services => new StatusServer(
            endpoint,
            store,
            metrics,
            delays,
            interval,
            TimeProvider.System,
            services.GetRequiredService<ILogger<StatusServer>>()
        ));
        cluster?.AddTo(builder.Services);
        if (cluster is not null && scrape is not null)
        {
            builder.Services.AddHostedService(services => new ScrapeServer(
                scrape,
                metrics,
                cluster.Watcher.Connection,
                TimeProvider.System,
                services.GetRequiredService<ILogger<ScrapeServer>>()
            ));
        }

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

        return ExitCode.Fine;
    }
}
