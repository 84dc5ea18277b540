using System.Collections.Immutable;
using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using PinAgent.Cli.Options;
using PinAgent.Cli.Terminal;
using PinAgent.Model.Changes;
using PinAgent.Model.Vm;
using PinAgent.State;

namespace PinAgent.Cli;

/// <summary><c>pinagent explain</c>: what happened to a VM, and why.</summary>
internal static class ExplainCommand
{
    private static readonly Option<string> Vm = new("--vm")
    {
        Description = "The VM: its name, with or without namespace, or its pid.",
        HelpName = "NAME",
        Required = true,
    };

    private static readonly Settings.Setting<TimeSpan> Since = new(
        "--since",
        "TIME",
        "How far back: 90s, 30m, 1h, 2d.",
        "1d",
        ReadTime
    )
    {
        IsInFile = false,
    };

    private static readonly Settings.Setting<OutputFormat> Format = CommonOptions.Output("table");

    public static Command Create()
    {
        var command = new DetailedCommand(
            "explain",
            "Tell what happened to a VM: each change with old and new CPUs, the cause, and how long it was off its CPUs.",
            """
            From the record that the agent keeps in its state folder, a megabyte or two, across its own restarts; the agent
            needn't run. The cause is told by what was seen before and after. Who did it is named where the kernel told the agent
            (--events auto, with eBPF); elsewhere the likely one is. A VM was off its CPUs since the last look that found it right at most.
            Exits with 0, 1 if nothing is on record, 2 for a wrong call, 3 if the record can't be read.
            """,
            "pinagent explain --vm default/vm1 --since 1h"
        )
        {
            Vm,
            Since,
            Format,
        };
        command.Add(ClusterOptions.StateDir);
        command.SetAction(Run);
        return command;
    }

    /// <summary>Understands a length of time.</summary>
    /// <exception cref="FormatException">It isn't one.</exception>
    internal static TimeSpan ReadTime(string text)
    {
        if (
            text.Length > 1
            && double.TryParse(
                text[..^1],
                NumberStyles.AllowDecimalPoint,
                CultureInfo.InvariantCulture,
                out var number
            )
            && number <= 100_000
        )
        {
            switch (text[^1])
            {
                case 's':
                    return TimeSpan.FromSeconds(number);
                case 'm':
                    return TimeSpan.FromMinutes(number);
                case 'h':
                    return TimeSpan.FromHours(number);
                case 'd':
                    return TimeSpan.FromDays(number);
            }
        }

        throw new FormatException($"expected a time like 90s, 30m, 1h or 2d, found \"{text}\"");
    }

    private static int Run(ParseResult parsed)
    {
        var name = parsed.GetRequiredValue(Vm);
        var since = TimeProvider.System.GetUtcNow() - Since.Get(parsed);
        ImmutableArray<VmChange> changes;
        try
        {
            var state = new AgentState(ClusterOptions.StateDir.Get(parsed), isInCluster: false);
            ImmutableArray<VmChange> all =
            [
                // Waits are told of when they have begun and ended.
                .. state
                    .History.Read()
                    .Where(change => change.At >= since)
                    .OrderBy(change => change.At),
            ];
            var ofVm = VmNameMatch
                .Find(
                    name,
                    [.. all.Where(change => !change.IsOfAgent)],
                    change => (change.Namespace, change.Name, change.Pid)
                )
                .ToHashSet(ReferenceEqualityComparer.Instance);
            changes = [.. all.Where(change => change.IsOfAgent || ofVm.Contains(change))];
        }
        catch (StateException problem)
        {
            return Failure.Because($"explain: {problem.Message}");
        }

        if (changes.All(change => change.IsOfAgent))
        {
            return Failure.No(
                $"explain: nothing is on record of a VM {name} since {since:u}: see pinagent status for its name, and try a longer "
                    + "--since"
            );
        }

        // A process id is used again: that's one VM after the other. A short name of two VMs is nobody's.
        var ofVms = changes.Where(change => !change.IsOfAgent).ToList();
        var names = ofVms.Select(change => $"{change.Namespace}/{change.Name}").Distinct().ToList();
        if (names.Count > 1 && ofVms.Exists(change => name != $"{change.Pid}"))
        {
            return Failure.Usage(
                $"--vm {name}: several VMs have this name: choose one by its full name, of "
                    + string.Join(", ", names)
            );
        }

        Output.Print(
            Format.Get(parsed),
            () => ExplainText.Render(changes, since),
            () => JsonSerializer.Serialize(changes, VmChangeJson.Default.ImmutableArrayVmChange)
        );
        return ExitCode.Fine;
    }
}
