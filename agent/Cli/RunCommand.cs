using System.Collections.Immutable;
using System.CommandLine;
using PinAgent.Cli.Options;
using PinAgent.Cli.Settings;
using PinAgent.Cli.Terminal;
using PinAgent.Loop;
using PinAgent.Model.Node;
using PinAgent.Observe.Vmi;

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

    private static readonly Setting<ImmutableArray<NamedGuest>> Vms = CommonOptions.Guests(
        "--vm",
        "NAME[=CPUS]",
        "Pin this guest (the name in QEMU's -name) and those named likewise, and no others: db1, or db1=4-7,12-15 to say on "
            + "which CPUs."
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
            With --standalone, those named with --vm. Without --vm, those whose VMI (--vmi) says so, and those to which
            somebody has given CPUs that no other VM has. No other VM is touched.
            Which CPUs are a VM's on a plain host: those named with it (--vm db1=4-7); else its cgroup's, or those of its
            threads' own cgroups (libvirt); else the mask with which QEMU was started (Proxmox's affinity). Guests named
            without any of these get CPUs that no other VM has.
            A VMI is matched by its guest's name, <namespace>_<name>, and says what a command line can't: whether the
            emulator is isolated, its parity, supplemental I/O threads, strict NUMA.
            All options but --once may stand in a settings file (--config): "mode: audit". An edit of mode there takes effect
            at once, other settings when the agent starts.
            Ctrl-C and SIGTERM stop the agent; the pins stay in place.
            With --once the exit code is 1 if a guest named with --vm doesn't run, or can't be pinned.
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
            CommonOptions.PodCgroup,
        };
        command.OwnsFile = true;
        EventOptions.AddTo(command);
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
            using var agent = new AgentHost(
                new AgentSettings(
                    CommonOptions.HostRoot.Get(parsed),
                    CommonOptions.KubeletPlaceOf(parsed),
                    NodeName.Get(parsed),
                    ClusterOptions.StateDir.Get(parsed),
                    new PlanSettings(
                        Vms.Get(parsed),
                        [.. Vmis.Get(parsed).SelectMany(path => VmiFile.ReadAll(path))]
                    ),
                    (files, isLive) =>
                        HostMode.Of(
                            new LiveMode(parsed, Mode),
                            files,
                            isLive,
                            Mode.IsOnCommandLine(parsed)
                        ),
                    isStandalone ? null : ClusterOptions.Get(parsed)
                )
            );
            if (parsed.GetValue(Once))
            {
                var (status, isAsTold) = await agent.OnceAsync(stop);
                Output.Print(Format.Get(parsed), () => StatusTable.Render(status), status.ToJson);
                return isAsTold ? ExitCode.Fine : ExitCode.No;
            }
            else
            {
                await using var log = new LogOutput();
                await agent.RunAsync(
                    new LoopSettings(
                        Interval.Get(parsed),
                        EndpointOptions.Get(parsed),
                        scrape,
                        EventOptions.Get(parsed),
                        new AgentLog(log.AddTo, () => log.Dropped)
                    ),
                    stop
                );
            }

            return ExitCode.Fine;
        }
        catch (InvalidDataException problem)
        {
            return Failure.Because(problem.Message);
        }
    }
}
