using System.CommandLine;
using System.Text.Json;
using PinAgent.Cli.Options;
using PinAgent.Cli.Terminal;
using PinAgent.Model.Cpu;
using PinAgent.Observe.Files;
using PinAgent.Observe.Topology;
using PinAgent.Report.Status;

namespace PinAgent.Cli;

/// <summary><c>pinagent topology</c>: the node's CPUs and how they hang together.</summary>
internal static class TopologyCommand
{
    public static Command Create()
    {
        var output = CommonOptions.Output("table");
        var command = new DetailedCommand(
            "topology",
            "Show this node's sockets, NUMA nodes, L3 groups, cores and CPUs.",
            "The JSON is what \"pinagent plan\" takes as \"topology\".",
            "pinagent topology -o json"
        )
        {
            output,
        };
        command.SetAction(parsed =>
        {
            using var files = new HostFiles(CommonOptions.HostRoot.Get(parsed));
            try
            {
                var topology = SysfsTopology.Read(files);
                Output.Print(
                    output.Get(parsed),
                    () => TopologyTable.Render(topology),
                    () => Json(topology)
                );
                return ExitCode.Fine;
            }
            catch (InvalidDataException problem)
            {
                return Failure.Because(problem.Message);
            }
        });
        return command;
    }

    /// <summary>The topology as <c>plan</c> takes it.</summary>
    public static string Json(NodeTopology topology) =>
        JsonSerializer.Serialize(
            TopologyStatus.Of(topology),
            ReportJsonContext.Readable.TopologyStatus
        );
}
