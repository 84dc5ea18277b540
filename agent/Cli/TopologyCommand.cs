using System.CommandLine;
using System.Text.Json;
using PinAgent.Cli.Ask;
using PinAgent.Cli.Options;
using PinAgent.Cli.Terminal;
using PinAgent.Model.Cpu;
using PinAgent.Model.Node;
using PinAgent.Model.Text;
using PinAgent.Observe.Files;
using PinAgent.Observe.Topology;
using PinAgent.Report.Page;
using PinAgent.Report.Status;

namespace PinAgent.Cli;

/// <summary><c>pinagent topology</c>: the node's CPUs and how they hang together.</summary>
internal static class TopologyCommand
{
    private static readonly Option<bool> Svg = new("--svg")
    {
        Description = "A picture of the CPUs and whose they are, as SVG.",
    };

    public static Command Create()
    {
        var output = CommonOptions.Output("table");
        var command = new DetailedCommand(
            "topology",
            "Show this node's sockets, NUMA nodes, L3 groups, cores and CPUs.",
            """
            The JSON is what "pinagent plan" takes as "topology". The picture shows whose each CPU is where the agent answers, as its page
            does, and else the CPUs alone.
            """,
            """
            pinagent topology -o json
            pinagent topology --svg > cpus.svg
            """
        )
        {
            output,
            Svg,
        };
        command.Add(EndpointOptions.Socket);
        command.SetAction(
            async (parsed, stop) =>
            {
                using var files = new HostFiles(CommonOptions.HostRoot.Get(parsed));
                try
                {
                    var topology = SysfsTopology.Read(files);
                    if (parsed.GetValue(Svg))
                    {
                        Output.Document(
                            MapSvg
                                .Render(
                                    await AskAsync(
                                        EndpointOptions.Socket.Get(parsed),
                                        topology,
                                        stop
                                    )
                                )
                                .ToString()
                        );
                        return ExitCode.Fine;
                    }

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
            }
        );
        return command;
    }

    // Without an agent the machine is drawn as it is: no CPU is anybody's.
    private static async Task<NodeStatus> AskAsync(
        string socket,
        NodeTopology topology,
        CancellationToken stop
    )
    {
        try
        {
            using var client = new StatusClient(socket);
            return await client.GetAsync(stop);
        }
        catch (AgentException problem)
        {
            await Console.Error.WriteLineAsync(
                Words.Shown($"only the CPUs are drawn: {problem.Message}", Words.LongestSentence)
            );
            return new NodeStatus
            {
                Node = Environment.MachineName,
                Mode = AgentMode.Audit,
                Topology = TopologyStatus.Of(topology),
                CpuManager = new CpuManagerStatus(CpuManagerState.Unknown, null, []),
                Vms = [],
                Drift = new DriftStatus(0),
            };
        }
    }

    /// <summary>The topology as <c>plan</c> takes it.</summary>
    public static string Json(NodeTopology topology) =>
        JsonSerializer.Serialize(
            TopologyStatus.Of(topology),
            ReportJsonContext.Readable.TopologyStatus
        );
}
