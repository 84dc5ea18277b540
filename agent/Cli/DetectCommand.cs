using System.CommandLine;
using System.Text.Json;
using PinAgent.Model;
using PinAgent.Observe;
using PinAgent.Observe.Kubelet;
using PinAgent.Report;

namespace PinAgent.Cli;

/// <summary><c>pinagent detect</c>: does the kubelet's CPU manager run here?</summary>
internal static class DetectCommand
{
    public static Command Create()
    {
        var output = Options.Output("text");
        var command = new DetailedCommand(
            "detect",
            "Say whether the kubelet's CPU manager gives out exclusive CPUs on this node, and by which evidence.",
            "Exits with 0 if it does, 1 if it doesn't, 3 if that can't be told.",
            "pinagent detect --kubelet-root /var/lib/kubelet"
        )
        {
            output.Option,
            RunCommand.NodeName.Option,
            LabelOptions.Keys.Option,
        };
        command.SetAction(parsed =>
        {
            using var files = new HostFiles(Options.HostRoot.Get(parsed));
            var observation = CpuManagerObserver.Observe(files, Options.KubeletRoot.Get(parsed));
            var status = DetectStatus.Of(
                observation,
                RunCommand.NodeName.Get(parsed),
                LabelOptions.Keys.Get(parsed)
            );
            Output.Print(
                output.Get(parsed),
                () => DetectText.Render(status),
                () => JsonSerializer.Serialize(status, ReportJsonContext.Readable.DetectStatus)
            );
            return observation.State switch
            {
                CpuManagerState.Static => ExitCode.Fine,
                CpuManagerState.None => ExitCode.No,
                _ => ExitCode.Failed,
            };
        });
        return command;
    }
}
