using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using PinAgent.Cli.Options;
using PinAgent.Cli.Terminal;
using PinAgent.Model.Changes;
using PinAgent.Model.Text;
using PinAgent.Observe.Files;
using PinAgent.Observe.Recording;
using PinAgent.Observe.Topology;
using PinAgent.Report.Bundle;
using PinAgent.Report.Status;
using PinAgent.State;
using Spectre.Console.Rendering;

namespace PinAgent.Cli;

/// <summary><c>pinagent report</c>: a support bundle that can be looked at elsewhere.</summary>
internal static class ReportCommand
{
    private const int LayoutVersion = 1;
    private const string Standard = "-";

    private static readonly Option<string?> To = new("--output", "-o")
    {
        Description =
            "Where the bundle goes; - is standard output. Without it pinagent-report-<node>-<time>.tar.gz, here.",
        HelpName = "FILE|-",
    };

    public static Command Create()
    {
        var command = new DetailedCommand(
            "report",
            "Make a support bundle: what the agent reads of this machine, and what status, detect and doctor say.",
            """
            The bundle is a .tar.gz. Of QEMU's command lines only the guest's name, -smp, -accel, the machine's type, and the
            same of -readconfig with the file's name are in it, of other processes and of environments nothing. It names VMs, pods' uids, cgroups and the API server.
            What happened to the VMs lately (pinagent explain) is in changes.json, the CPUs in topology.json, as pinagent plan
            takes them. What couldn't be read is listed in its manifest.json. Unpacked into DIR, it can be looked at as the machine:
            pinagent run --standalone --once --host-root DIR, pinagent topology --host-root DIR.
            Exits with 0, or 3 if it couldn't be written.
            """,
            "pinagent report --output report.tar.gz"
        )
        {
            To,
        };
        DoctorCommand.AddSources(command);
        command.Add(ClusterOptions.StateDir);
        command.SetAction(RunAsync);
        return command;
    }

    private static async Task<int> RunAsync(ParseResult parsed, CancellationToken stop)
    {
        var now = TimeProvider.System.GetUtcNow();
        using var archive = new MemoryStream();
        await WriteAsync(parsed, archive, now, stop);
        archive.Position = 0;
        var to =
            parsed.GetValue(To)
            ?? $"pinagent-report-{RunCommand.NodeName.Get(parsed)}-"
                + now.ToString("yyyyMMdd'T'HHmmss'Z'", CultureInfo.InvariantCulture)
                + ".tar.gz";
        try
        {
            await using var output =
                to == Standard ? Console.OpenStandardOutput() : File.Create(to);
            await archive.CopyToAsync(output, stop);
        }
        catch (Exception problem) when (problem is IOException or UnauthorizedAccessException)
        {
            return Failure.Because(
                $"report: {FileProblem.Describe(to, problem)}; write it elsewhere with --output, or to a pipe with --output -"
            );
        }

        if (to != Standard)
        {
            Output.Line(to);
        }

        return ExitCode.Fine;
    }

    private static async Task WriteAsync(
        ParseResult parsed,
        Stream output,
        DateTimeOffset now,
        CancellationToken stop
    )
    {
        var missing = new SortedDictionary<string, string>(StringComparer.Ordinal);
        using var bundle = new SupportBundle(output, now);
        AddMachine(parsed, bundle, missing);
        AddHistory(parsed, bundle, missing);

        var json = ReportJsonContext.Readable;
        var agent = await DoctorCommand.AskAgentAsync(EndpointOptions.Socket.Get(parsed), stop);
        if (agent.Status is { } status)
        {
            bundle.Add("status.json", status.ToJson());
        }
        else
        {
            missing["status.json"] = agent.Problem ?? "no answer";
        }

        var detect = await DetectCommand.DetectAsync(parsed, stop);
        bundle.Add("detect.json", JsonSerializer.Serialize(detect, json.DetectStatus));
        var doctor = await DoctorCommand.ExamineAsync(parsed, stop);
        bundle.Add("doctor.json", JsonSerializer.Serialize(doctor, json.DoctorStatus));
        bundle.Add("doctor.txt", Text(DoctorText.Render(doctor)));
        var manifest = new BundleManifest(
            LayoutVersion,
            DoctorCommand.Version,
            now,
            RunCommand.NodeName.Get(parsed),
            $"run --standalone --once --host-root . --kubelet-root {CommonOptions.KubeletRootOf(parsed)}",
            missing
        );
        bundle.Add("manifest.json", JsonSerializer.Serialize(manifest, json.BundleManifest));
    }

    private static void AddHistory(
        ParseResult parsed,
        SupportBundle bundle,
        SortedDictionary<string, string> missing
    )
    {
        const string Name = "changes.json";
        try
        {
            var state = new AgentState(ClusterOptions.StateDir.Get(parsed), isInCluster: false);
            bundle.Add(
                Name,
                JsonSerializer.Serialize(
                    [.. state.History.Read()],
                    VmChangeJson.Default.ImmutableArrayVmChange
                )
            );
        }
        catch (StateException problem)
        {
            missing[Name] = problem.Message;
        }
    }

    private static void AddMachine(
        ParseResult parsed,
        SupportBundle bundle,
        SortedDictionary<string, string> missing
    )
    {
        try
        {
            var machine = MachineRecording.Record(
                CommonOptions.HostRoot.Get(parsed),
                CommonOptions.KubeletRootOf(parsed)
            );
            if (machine.KubeletRoot is { } root)
            {
                bundle.AddFolder(root);
            }

            foreach (var (path, content) in machine.Files)
            {
                bundle.Add(path, content);
            }

            foreach (var (path, target) in machine.Links)
            {
                bundle.AddLink(path, target);
            }

            foreach (var (path, why) in machine.Unread)
            {
                missing[path] = why;
            }

            using var files = new HostFiles(CommonOptions.HostRoot.Get(parsed));
            bundle.Add("topology.json", TopologyCommand.Json(SysfsTopology.Read(files)));
        }
        catch (InvalidDataException problem)
        {
            missing["proc, sys"] = problem.Message;
        }
    }

    private static string Text(IRenderable content)
    {
        using var text = new StringWriter();
        Output.Write(content, text, isPipe: true);
        return text.ToString();
    }
}
