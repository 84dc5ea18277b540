using System.CommandLine;
using System.Text.Json;
using PinAgent.Cli.Options;
using PinAgent.Cli.Settings;
using PinAgent.Cli.Terminal;
using PinAgent.Kubernetes.Client;
using PinAgent.Model.Cpu;
using PinAgent.Model.Kubernetes;
using PinAgent.Model.Node;
using PinAgent.Model.Vm;
using PinAgent.Observe;
using PinAgent.Observe.Cluster;
using PinAgent.Observe.Files;
using PinAgent.Observe.Kubelet;
using PinAgent.Observe.Qemu;
using PinAgent.Plan.Capacity;
using PinAgent.Report.Status;

namespace PinAgent.Cli;

/// <summary><c>pinagent capacity</c>: how many more VMs of a shape fit on this node?</summary>
internal static class CapacityCommand
{
    private static readonly Number Vcpus = Count("--vcpus", "The VM's vCPUs.", atLeast: 1);

    private static readonly Option<bool> IsolateEmulator = new("--isolate-emulator")
    {
        Description = "The emulator has a CPU of its own (isolateEmulatorThread).",
    };

    private static readonly Option<bool> EvenParity = new("--even-parity")
    {
        Description =
            "It has two where the others are even in number (emulatorThreadCompleteToEvenParity).",
    };

    private static readonly Number IoThreads = Count(
        "--supplemental-io-threads",
        "I/O threads with a CPU of their own each.",
        atLeast: 0
    );

    private static readonly Number Sidecars = Count(
        "--sidecars",
        "Hook sidecars, from the shared pool: each as the KubeVirt object has it, else 200m CPU and 64M memory.",
        atLeast: 0
    );

    private static readonly Number ContainerDisks = Count(
        "--container-disks",
        "Container disks, likewise: else 10m and 40M. None are counted where KubeVirt's feature gate ImageVolume is on.",
        atLeast: 0
    );

    private static readonly Option<bool> NoConsoleLog = new("--no-console-log")
    {
        Description =
            "No container for the serial console's log (logSerialConsole: false): else 15m and 60M, likewise.",
    };

    private static readonly Option<string?> Memory = new("--memory")
    {
        Description =
            "The memory that the VM's container requests; without it memory isn't counted.",
        HelpName = "QUANTITY",
    };

    private static readonly Option<bool> FullPcpus = new("--full-pcpus")
    {
        Description =
            "The kubelet gives out whole cores only (CPU manager option full-pcpus-only).",
    };

    private static readonly Setting<OutputFormat> Format = CommonOptions.Output("text");

    public static Command Create()
    {
        Memory.Validators.Add(result =>
        {
            if (
                result.Tokens is [{ Value: { Length: > 0 } text }]
                && (!Quantity.TryParse(text, out var quantity) || quantity.Sign < 0)
            )
            {
                result.AddError($"--memory: expected a quantity like 4Gi, found \"{text}\"");
            }
        });
        var command = new DetailedCommand(
            "capacity",
            "Say how many more dedicated VMs of a shape fit on this node, and what runs out first.",
            """
            Counted are the CPUs that the kubelet's CPU manager can still give out whole, by its checkpoint, and where a
            cluster is configured what pods request of the node's allocatable CPUs and memory. What isn't known is assumed,
            and said.
            Exits with 0 if at least one fits, 1 if none does, 3 if this machine can't be read.
            """,
            "pinagent capacity --vcpus 4 --isolate-emulator --sidecars 1"
        )
        {
            Vcpus.Option,
            IsolateEmulator,
            EvenParity,
            IoThreads.Option,
            Sidecars.Option,
            ContainerDisks.Option,
            NoConsoleLog,
            Memory,
            FullPcpus,
            Format,
            RunCommand.NodeName,
            ClusterOptions.KubeConfig,
            LabelOptions.KubeVirtNamespace.Option,
        };
        command.Add(EndpointOptions.Socket);
        command.SetAction(RunAsync);
        return command;
    }

    private static async Task<int> RunAsync(ParseResult parsed, CancellationToken stop)
    {
        // Not a required option: that would forbid --help without it.
        if (Vcpus.Get(parsed) is not { } vcpus)
        {
            return Failure.Usage("capacity: expected --vcpus N, found none");
        }

        try
        {
            var node = await ObserveAsync(parsed, stop);
            var left = CapacitySurvey.Of(node, await AskAgentAsync(parsed, stop));
            var disks = ContainerDisks.Get(parsed) ?? 0;
            var status = CapacityStatus.Of(
                left with
                {
                    Notes = [.. left.Notes, .. ContainerDiskNotes(disks, node.Cluster)],
                },
                new CapacityShape(vcpus)
                {
                    IsolateEmulator = parsed.GetValue(IsolateEmulator),
                    EvenParity = parsed.GetValue(EvenParity),
                    SupplementalIoThreads = IoThreads.Get(parsed) ?? 0,
                    Sidecars = Sidecars.Get(parsed) ?? 0,
                    Sidecar = ContainerAmount.Of(node.Cluster, ContainerAmount.Sidecar),
                    ContainerDisks = node.Cluster?.ImageVolumeGate == FeatureGate.On ? 0 : disks,
                    ContainerDisk = ContainerAmount.Of(node.Cluster, ContainerAmount.ContainerDisk),
                    HasConsoleLog = !parsed.GetValue(NoConsoleLog),
                    ConsoleLog = ContainerAmount.Of(node.Cluster, ContainerAmount.ConsoleLog),
                    Memory = parsed.GetValue(Memory) is { } memory ? Quantity.Parse(memory) : null,
                },
                parsed.GetValue(FullPcpus)
            );
            Output.Print(
                Format.Get(parsed),
                () => CapacityText.Render(status),
                () => JsonSerializer.Serialize(status, ReportJsonContext.Readable.CapacityStatus)
            );
            return status.Fits > 0 ? ExitCode.Fine : ExitCode.No;
        }
        catch (InvalidDataException problem)
        {
            return Failure.Because(problem.Message);
        }
    }

    // What the agent of a plain host has given to VMs, no cgroup says.
    private static async Task<CpuSet?> AskAgentAsync(ParseResult parsed, CancellationToken stop)
    {
        using var files = new HostFiles(CommonOptions.HostRoot.Get(parsed));
        if (!files.HasLiveProc())
        {
            return null;
        }

        var agent = await DoctorCommand.AskAgentAsync(EndpointOptions.Socket.Get(parsed), stop);
        return agent
            .Status?.Vms.Where(vm =>
                vm is { Dedicated: true, CpusetSource: not null and not CpuSource.Inherited }
            )
            .Aggregate(CpuSet.Empty, (all, vm) => all.Union(vm.Cpuset ?? CpuSet.Empty));
    }

    // The gate's default came with KubeVirt 1.9, and which version it is isn't asked.
    private static IEnumerable<string> ContainerDiskNotes(int disks, ClusterFacts? cluster) =>
        (disks, cluster?.ImageVolumeGate) switch
        {
            (0, _) or (_, FeatureGate.Off) => [],
            (_, FeatureGate.On) =>
            [
                "container disks take nothing: KubeVirt's feature gate ImageVolume is on",
            ],
            _ =>
            [
                "container disks are counted as containers; they take nothing where KubeVirt's feature gate ImageVolume "
                    + "is on, as it is by default since 1.9",
            ],
        };

    private static async Task<NodeSnapshot> ObserveAsync(ParseResult parsed, CancellationToken stop)
    {
        using var files = new HostFiles(CommonOptions.HostRoot.Get(parsed));
        var kubeletRoot = CommonOptions.KubeletRootOf(parsed);
        var told = await PodResourcesSocket.AskAsync(
            files.Root,
            kubeletRoot,
            PodResourcesSocket.Patience,
            TimeProvider.System,
            stop
        );
        var kubeConfig = ClusterOptions.KubeConfig.Get(parsed);
        kubeConfig = string.IsNullOrEmpty(kubeConfig) ? null : kubeConfig;
        var cluster = ClusterConfig.IsThere(kubeConfig)
            ? await AskClusterAsync(parsed, kubeConfig, stop)
            : null;
        // Masks don't matter here.
        using var observer = new NodeObserver(
            files,
            new RecordedAffinityReader(files),
            kubeletRoot,
            podCgroup: CommonOptions.PodCgroup.Get(parsed)
        );
        return observer.Observe() with { PodResources = told.Known, Cluster = cluster };
    }

    private static async Task<ClusterFacts> AskClusterAsync(
        ParseResult parsed,
        string? kubeConfig,
        CancellationToken stop
    )
    {
        using var watcher = new ClusterWatcher(
            () => ClusterConfig.Load(kubeConfig),
            RunCommand.NodeName.Get(parsed),
            LabelOptions.KubeVirtNamespace.Get(parsed),
            () => { },
            TimeProvider.System,
            Random.Shared.NextDouble
        );
        await watcher.StartAsync(stop);
        await watcher.Settled.WaitAsync(stop);
        return watcher.Facts;
    }

    private static Number Count(string name, string description, int atLeast) =>
        new(name, description, atLeast, GuestTopology.MaxVcpus);
}
