using System.CommandLine;
using System.Text.Json;
using PinAgent.Cli.Ask;
using PinAgent.Cli.Options;
using PinAgent.Cli.Terminal;
using PinAgent.Observe.Files;
using PinAgent.Observe.Kubelet;
using PinAgent.Report.Detect;
using PinAgent.Report.Status;

namespace PinAgent.Cli;

/// <summary><c>pinagent detect</c>: does the kubelet's CPU manager run here?</summary>
internal static class DetectCommand
{
    public static Command Create()
    {
        var output = CommonOptions.Output("text");
        var command = new DetailedCommand(
            "detect",
            "Say whether the kubelet's CPU manager gives out exclusive CPUs on this node, and by which evidence.",
            """
            Evidence is the CPU manager's checkpoint, the kubelet's PodResources API, a DRA driver for CPUs that has
            registered with the kubelet, and whether a kubelet is among the processes.
            Where a cluster is configured, it's asked whether KubeVirt's feature gate CPUManager is on, by which object,
            and who sets the node's labels. Nothing is written.
            Exits with 0 if the CPU manager runs, 1 if it doesn't, 3 if that can't be told or a DRA driver gives out the
            CPUs in its place.
            """,
            "pinagent detect --kubelet-root /var/lib/kubelet"
        )
        {
            output,
            RunCommand.NodeName,
            ClusterOptions.KubeConfig,
            LabelOptions.Keys.Option,
            LabelOptions.KubeVirtNamespace.Option,
        };
        command.SetAction(
            async (parsed, stop) =>
            {
                var status = await DetectAsync(parsed, stop);
                Output.Print(
                    output.Get(parsed),
                    () => DetectText.Render(status),
                    () => JsonSerializer.Serialize(status, ReportJsonContext.Readable.DetectStatus)
                );
                return status.Running switch
                {
                    true => ExitCode.Fine,
                    false => ExitCode.No,
                    null => ExitCode.Failed,
                };
            }
        );
        return command;
    }

    /// <summary>Looks and asks.</summary>
    public static async Task<DetectStatus> DetectAsync(ParseResult parsed, CancellationToken stop)
    {
        using var files = new HostFiles(CommonOptions.HostRoot.Get(parsed));
        var kubeletRoot = CommonOptions.KubeletRootOf(parsed);
        var observation = CpuManagerObserver.Observe(files, kubeletRoot);
        var told = await PodResourcesSocket.AskAsync(
            files.Root,
            kubeletRoot,
            PodResourcesSocket.Patience,
            TimeProvider.System,
            stop
        );
        observation = observation with
        {
            Evidence =
            [
                .. observation.Evidence,
                .. KubeletProcess.Evidence(files, observation),
                told.Evidence!,
            ],
        };
        var node = RunCommand.NodeName.Get(parsed);
        var keys = LabelOptions.Keys.Get(parsed);
        var kubeConfig = ClusterOptions.KubeConfig.Get(parsed);
        var cluster = await DetectCluster.AskAsync(
            string.IsNullOrEmpty(kubeConfig) ? null : kubeConfig,
            node,
            LabelOptions.KubeVirtNamespace.Get(parsed),
            DetectStatus.IsRunning(observation.State),
            keys,
            stop
        );
        return DetectStatus.Of(observation, told.Known, cluster, node, keys);
    }
}
