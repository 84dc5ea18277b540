using System.CommandLine;
using System.Text.Json;
using PinAgent.Cli.Ask;
using PinAgent.Cli.Options;
using PinAgent.Cli.Settings;
using PinAgent.Cli.Terminal;
using PinAgent.Model.Vm;
using PinAgent.Report.Status;
using Spectre.Console;

namespace PinAgent.Cli;

/// <summary><c>pinagent status</c>: asks the running agent who runs where.</summary>
internal static class StatusCommand
{
    private static readonly Option<bool> Watch = new("--watch")
    {
        Description = "Stay, and show every change, until Ctrl-C; with -o json, one line each.",
    };

    private static readonly Option<string?> Name = new("--vm")
    {
        Description =
            "Explain one VM: which rule put each thread where it is, or why it isn't pinned.",
        HelpName = "NAME",
    };

    private static readonly Option<string?> Probe = new("--probe")
    {
        Description =
            "Only say by the exit code whether the agent makes its passes, or has made its first.",
        HelpName = "live|ready",
    };

    private static readonly Setting<OutputFormat> Format = CommonOptions.Output("table");

    public static Command Create()
    {
        Probe.Validators.Add(result =>
        {
            if (result.Tokens is [{ Value: not ("" or "live" or "ready") and var text }])
            {
                result.AddError($"--probe: expected live|ready, found \"{text}\"");
            }
        });
        var command = new DetailedCommand(
            "status",
            "Ask the running agent who runs where, and why a VM isn't pinned.",
            """
            NAME is a VM's name, <namespace>/<name>, its guest's name (<namespace>_<name>), or QEMU's process id.
            Exits with 0; 1 if there is no such VM, or --probe's answer is no; 2 if several VMs have the name; 3 if no agent
            answers.
            """,
            "pinagent status --vm default/vm1"
        )
        {
            Watch,
            Name,
            Probe,
            Format,
            EndpointOptions.Socket,
        };
        command.SetAction(RunAsync);
        return command;
    }

    private static async Task<int> RunAsync(ParseResult parsed, CancellationToken stop)
    {
        using var client = new StatusClient(EndpointOptions.Socket.Get(parsed));
        try
        {
            if (parsed.GetValue(Probe) is { } probe)
            {
                return await ProbeAsync(client, probe, stop);
            }

            if (!parsed.GetValue(Watch))
            {
                return Show(parsed, await client.GetAsync(stop), isWatching: false);
            }

            await foreach (var status in client.WatchAsync(stop))
            {
                Show(parsed, status, isWatching: true);
            }

            return ExitCode.Fine;
        }
        catch (AgentException problem)
        {
            return Failure.Because(problem.Message);
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            return ExitCode.Fine;
        }
    }

    private static async Task<int> ProbeAsync(
        StatusClient client,
        string probe,
        CancellationToken stop
    )
    {
        try
        {
            await client.CheckAsync(probe == "live" ? "/healthz" : "/readyz", stop);
            return ExitCode.Fine;
        }
        catch (AgentException problem)
        {
            return Failure.No(problem.Message);
        }
    }

    private static int Show(ParseResult parsed, NodeStatus status, bool isWatching)
    {
        var format = Format.Get(parsed);
        if (isWatching && format == OutputFormat.Text)
        {
            Separate();
        }

        var json = isWatching ? ReportJsonContext.Compact : ReportJsonContext.Readable;
        if (parsed.GetValue(Name) is not { } name)
        {
            Output.Print(
                format,
                () => StatusTable.Render(status),
                () => JsonSerializer.Serialize(status, json.NodeStatus)
            );
            return ExitCode.Fine;
        }

        var vms = VmNameMatch.Find(name, status.Vms, vm => (vm.Namespace, vm.Name, vm.Pid));
        switch (vms)
        {
            case []:
                return Failure.No($"no VM {name} runs on node {status.Node}: see pinagent status");
            case [var vm]:
                Output.Print(
                    format,
                    () => VmExplanation.Render(status, vm),
                    () => JsonSerializer.Serialize(vm, json.VmStatus)
                );
                return ExitCode.Fine;
            default:
                var candidates = vms.Select(vm => $"{vm.Namespace}/{vm.Name} (pid {vm.Pid})");
                return Failure.Usage(
                    $"--vm {name}: several VMs have this name: choose one by its full name or its pid, of "
                        + string.Join(", ", candidates)
                );
        }
    }

    // On a terminal the new picture takes the old one's place.
    private static void Separate()
    {
        if (Console.IsOutputRedirected)
        {
            Console.WriteLine();
        }
        else
        {
            AnsiConsole.Clear();
        }
    }
}
