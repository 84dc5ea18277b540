using System.CommandLine;
using System.Reflection;
using System.Text.Json;
using PinAgent.Cli.Ask;
using PinAgent.Cli.Options;
using PinAgent.Cli.Terminal;
using PinAgent.Kubernetes.Client;
using PinAgent.Model.Node;
using PinAgent.Observe.Cluster;
using PinAgent.Observe.Doctor;
using PinAgent.Observe.Files;
using PinAgent.Observe.Kubelet;
using PinAgent.Report.Detect;
using PinAgent.Report.Doctor;
using PinAgent.Report.Status;

namespace PinAgent.Cli;

/// <summary><c>pinagent doctor</c>: what of this machine, and of its cluster, keeps the agent from its work?</summary>
internal static class DoctorCommand
{
    /// <summary>The version of this program.</summary>
    public static string Version { get; } =
        typeof(DoctorCommand)
            .Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()
            ?.InformationalVersion
        ?? "unknown";

    public static Command Create()
    {
        var output = CommonOptions.Output("text");
        var command = new DetailedCommand(
            "doctor",
            "Check what the agent stands on: kernel, rights, kubelet, QEMU, the running agent, the cluster.",
            """
            Each line is ok, warning or problem, with what was found; below it what is lost and what to do. The answer is fit
            for pasting into a ticket. Nothing is written. Rights are those of this process: call it as the agent is run.
            Exits with 0, or 1 if there is a problem.
            """,
            "pinagent doctor"
        )
        {
            output,
        };
        AddSources(command);
        command.SetAction(
            async (parsed, stop) =>
            {
                var status = await ExamineAsync(parsed, stop);
                Output.Print(
                    output.Get(parsed),
                    () => DoctorText.Render(status),
                    () => JsonSerializer.Serialize(status, ReportJsonContext.Readable.DoctorStatus)
                );
                return status.Level == FindingLevel.Problem ? ExitCode.No : ExitCode.Fine;
            }
        );
        return command;
    }

    /// <summary>Adds the options that say where the agent and the cluster are.</summary>
    public static void AddSources(DetailedCommand command)
    {
        command.Add(EndpointOptions.Socket);
        command.Add(RunCommand.NodeName);
        command.Add(ClusterOptions.KubeConfig);
        command.Add(LabelOptions.Keys);
        command.Add(LabelOptions.KubeVirtNamespace);
    }

    /// <summary>Gathers and judges.</summary>
    public static async Task<DoctorStatus> ExamineAsync(ParseResult parsed, CancellationToken stop)
    {
        using var files = new HostFiles(CommonOptions.HostRoot.Get(parsed));
        var kubeletRoot = CommonOptions.KubeletRootOf(parsed);
        var podResources = await PodResourcesSocket.AskAsync(
            files.Root,
            kubeletRoot,
            PodResourcesSocket.Patience,
            TimeProvider.System,
            stop
        );
        var host = HostSurvey.Look(
            files,
            kubeletRoot,
            podResources,
            CommonOptions.PodCgroup.Get(parsed)
        );
        return DoctorStatus.Of(
            Version,
            RunCommand.NodeName.Get(parsed),
            host,
            await AskAgentAsync(EndpointOptions.Socket.Get(parsed), stop),
            await AskClusterAsync(parsed, DetectStatus.IsRunning(host.CpuManager.State), stop)
        );
    }

    /// <summary>Asks the running agent.</summary>
    public static async Task<AgentFacts> AskAgentAsync(string socket, CancellationToken stop)
    {
        NodeStatus? status = null;
        try
        {
            using var client = new StatusClient(socket);
            status = await client.GetAsync(stop);
            await client.CheckAsync("/healthz", stop);
            return new(socket, status, null);
        }
        catch (AgentException problem)
        {
            return new(socket, status, problem.Message, problem.IsDenied);
        }
    }

    private static async Task<ClusterAnswers?> AskClusterAsync(
        ParseResult parsed,
        bool? isRunning,
        CancellationToken stop
    )
    {
        var kubeConfig = ClusterOptions.KubeConfig.Get(parsed);
        kubeConfig = string.IsNullOrEmpty(kubeConfig) ? null : kubeConfig;
        var kubeVirtNamespace = LabelOptions.KubeVirtNamespace.Get(parsed);
        var detected = await DetectCluster.AskAsync(
            kubeConfig,
            RunCommand.NodeName.Get(parsed),
            kubeVirtNamespace,
            isRunning,
            LabelOptions.Keys.Get(parsed),
            stop
        );
        if (detected is null)
        {
            return null;
        }

        try
        {
            using var connection = new ApiConnection(
                () => ClusterConfig.Load(kubeConfig),
                TimeProvider.System
            );
            using var limit = CancellationTokenSource.CreateLinkedTokenSource(stop);
            limit.CancelAfter(DetectCluster.Patience);
            var (rights, problem) = await DetectCluster.TryAsync(
                AccessSurvey.AskAsync(
                    connection,
                    ClusterRights.All.SelectMany(right => right.Each),
                    kubeVirtNamespace,
                    limit.Token
                ),
                stop
            );
            return new(detected, rights, problem);
        }
        catch (InvalidDataException problem)
        {
            return new(detected, null, problem.Message);
        }
    }
}
