using System.CommandLine;
using PinAgent.Cli.Ask;
using PinAgent.Cli.Look;
using PinAgent.Cli.Options;
using PinAgent.Cli.Settings;
using PinAgent.Cli.Terminal;
using PinAgent.Model.Cpu;
using PinAgent.Model.Vm;
using PinAgent.Report.Status;

namespace PinAgent.Cli;

/// <summary><c>pinagent status</c>: asks the running agent who runs where.</summary>
internal static class StatusCommand
{
    private static readonly Option<bool> Watch = new("--watch")
    {
        Description =
            "Stay until Ctrl-C: on a terminal the picture as it is now, elsewhere a line with the time for each change; with "
            + "-o json, one line each.",
    };

    private static readonly Option<string?> Name = new("--vm")
    {
        Description =
            "Explain one VM: which rule put each thread where it is, or why it isn't pinned.",
        HelpName = "NAME",
    };

    private static readonly Option<bool> Wide = new("--wide")
    {
        Description = "Everything: each VM's threads, every violation, every sentence.",
    };

    private static readonly Option<string?> Cpu = new("--cpu")
    {
        Description =
            "Whose these CPUs are, what belongs there and how long it waited: 7, or 4-7,12.",
        HelpName = "CPUS",
    };

    private static readonly Option<bool> Map = new("--map")
    {
        Description = "The sockets, NUMA nodes, caches and cores, with whose each CPU is.",
    };

    private static readonly Option<string?> Match = new("--match")
    {
        Description = "Only VMs with this in their namespace/name, in capitals or not.",
        HelpName = "TEXT",
    };

    private static readonly Option<string[]> States = new("--state")
    {
        Description =
            $"Only VMs in this state: {string.Join(", ", Enum.GetNames<VmState>())}. Repeatable.",
        HelpName = "STATE",
    };

    private static readonly Option<string?> Probe = new("--probe")
    {
        Description =
            "Only say by the exit code whether the agent makes its passes, or has made its first.",
        HelpName = "live|ready",
    };

    // Longer than the agent keeps what it has read.
    private static readonly TimeSpan Moment = RunDelays.Pace + TimeSpan.FromMilliseconds(50);

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
        Cpu.Validators.Add(result =>
        {
            if (
                result.Tokens is [{ Value: var text }]
                && (!CpuSet.TryParse(text, out var cpus, out _) || cpus.IsEmpty)
            )
            {
                result.AddError($"--cpu: expected CPUs like 7 or 4-7,12, found \"{text}\"");
            }
        });
        States.Validators.Add(result =>
        {
            foreach (
                var token in result.Tokens.Where(token =>
                    !Enum.GetNames<VmState>()
                        .Contains(token.Value, StringComparer.OrdinalIgnoreCase)
                )
            )
            {
                result.AddError(
                    $"--state: expected {string.Join('|', Enum.GetNames<VmState>())}, found \"{token.Value}\""
                );
            }
        });
        var command = new DetailedCommand(
            "status",
            "Ask the running agent who runs where, and why a VM isn't pinned.",
            """
            One line says how the node stands, and one how each VM does, those that need somebody first. A terminal of 80
            columns has room for it; a wider one shows more.
            NAME is a VM's name, <namespace>/<name>, its guest's name (<namespace>_<name>), or QEMU's process id.
            Exits with 0; 1 if there is no such VM or CPU, or --probe's answer is no; 2 if several VMs have the name; 3 if no agent
            answers.
            """,
            """
            pinagent status --state Refused --state PartlyPinned
            pinagent status --vm default/vm1
            pinagent status --cpu 7
            """
        )
        {
            Watch,
            Name,
            Wide,
            Cpu,
            Map,
            Match,
            States,
            Probe,
            Format,
            EndpointOptions.Socket,
        };
        command.SetAction(
            (parsed, stop) =>
                Asking.RunAsync(parsed, client => RunAsync(parsed, client, stop), stop)
        );
        return command;
    }

    private static async Task<int> RunAsync(
        ParseResult parsed,
        StatusClient client,
        CancellationToken stop
    )
    {
        if (parsed.GetValue(Probe) is { } probe)
        {
            return await ProbeAsync(client, probe, stop);
        }

        if (WhatContradicts(parsed) is { } contradiction)
        {
            return Failure.Usage(contradiction);
        }

        return parsed.GetValue(Cpu) is { } cpus ? await ShowCpusAsync(parsed, client, cpus, stop)
            : parsed.GetValue(Watch) ? await WatchCommand.RunAsync(client, Form(parsed), stop)
            : StatusForm.Print(Form(parsed), await client.GetAsync(stop));
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

    private static StatusForm Form(ParseResult parsed) =>
        new(
            Format.Get(parsed),
            parsed.GetValue(Name),
            new VmFilter(
                parsed.GetValue(Match) ?? "",
                [
                    .. (parsed.GetValue(States) ?? []).Select(state =>
                        Enum.Parse<VmState>(state, ignoreCase: true)
                    ),
                ]
            ),
            parsed.GetValue(Map),
            parsed.GetValue(Wide)
        );

    // No validator: one of a command hides what is wrong with its options.
    private static string? WhatContradicts(ParseResult parsed)
    {
        string[] pictures =
        [
            .. parsed.GetValue(Name) is not null ? ["--vm"] : (string[])[],
            .. parsed.GetValue(Cpu) is not null ? ["--cpu"] : (string[])[],
            .. parsed.GetValue(Map) ? ["--map"] : (string[])[],
            .. parsed.GetValue(Wide) ? ["--wide"] : (string[])[],
        ];
        return pictures.Length > 1
                ? $"status: expected one of {string.Join(" and ", pictures)}, found both"
            : Format.Get(parsed) == OutputFormat.Json && pictures is ["--cpu" or "--map"]
                ? $"status: {pictures[0]} is for people: -o json without it has every CPU and thread"
            : parsed.GetValue(Watch) && pictures is ["--cpu"]
                ? "status: --cpu can't be watched: see pinagent top, and --map --watch"
            : null;
    }

    // Two looks, since the kernel only counts up: what it waited just now is what a slow VM asks.
    private static async Task<int> ShowCpusAsync(
        ParseResult parsed,
        StatusClient client,
        string text,
        CancellationToken stop
    )
    {
        var cpus = CpuSet.Parse(text);
        var before = await client.GetAsync(stop);
        var known = before.Topology.Online.Union(before.Topology.Offline);
        if (!cpus.IsSubsetOf(known))
        {
            return Failure.No(
                $"--cpu {text}: node {before.Node} has no CPU {cpus.Except(known)}, it has {known}"
            );
        }

        var began = TimeProvider.System.GetTimestamp();
        await Task.Delay(Moment, stop);
        var after = await client.GetAsync(stop);
        var waits = WaitRates.Between(before, after, TimeProvider.System.GetElapsedTime(began));
        Output.Print(
            Format.Get(parsed),
            () => CpuLines.Render(after, cpus.Intersect(known), waits),
            () => ""
        );
        return ExitCode.Fine;
    }
}
