using System.CommandLine;
using PinAgent.Cli.Completion;
using PinAgent.Cli.Options;
using PinAgent.Cli.Settings;
using PinAgent.Cli.Terminal;
using PinAgent.Cli.Top;
using PinAgent.Model.Text;

namespace PinAgent.Cli;

/// <summary>The command line as a whole: every command there is, and what a call of it comes to.</summary>
internal static class CommandLine
{
    // "@file" would be read for more arguments; a guest may be called so.
    private static readonly ParserConfiguration Plainly = new()
    {
        ResponseFileTokenReplacer = null,
    };

    /// <summary>Every command with its options.</summary>
    /// <param name="width">How long a line of the help may be; null for what the terminal has.</param>
    public static RootCommand Create(int? width = null)
    {
        var root = new RootCommand(
            """
            PinAgent pins the vCPUs of dedicated virtual machines: each to its own CPU, QEMU's own threads apart from them.
            """
        )
        {
            RunCommand.Create(),
            StatusCommand.Create(),
            PlanCommand.Create(),
            TopologyCommand.Create(),
            DetectCommand.Create(),
            ValidateCommand.Create(),
            CapacityCommand.Create(),
            DoctorCommand.Create(),
            ReportCommand.Create(),
            ReleaseCommand.Create(),
            ExplainCommand.Create(),
            ProveCommand.Create(),
            TopCommand.Create(),
            CompletionCommand.Create(),
            HelpCommand.Create(),
            HelpCommand.CreateVersion(),
            CommonOptions.HostRoot.Option,
            CommonOptions.KubeletRoot.Option,
            CommonOptions.PodCgroup.Option,
            SettingsFile.Option,
        };
        DetailedCommand.ExtendHelp(root, width ?? Output.HelpWidth);
        return root;
    }

    /// <summary>Understands a call.</summary>
    public static ParseResult Parse(RootCommand root, IReadOnlyList<string> arguments) =>
        root.Parse(arguments, Plainly);

    /// <summary>Does what is asked, or says what is wrong with it.</summary>
    /// <returns>The exit code.</returns>
    public static async Task<int> RunAsync(RootCommand root, IReadOnlyList<string> arguments)
    {
        if (arguments.Count == 0)
        {
            await Parse(root, ["--help"]).InvokeAsync();
            return ExitCode.Usage;
        }

        try
        {
            if (arguments is [CompletionCommand.Question, "--", ..])
            {
                CompletionCommand.Answer(root, [.. arguments.Skip(2)]);
                return ExitCode.Fine;
            }

            var parsed = Parse(root, arguments);
            // An option that prints and ends, like --help, has no mistakes of settings.
            var mistakes = parsed.Action is { ClearsParseErrors: true }
                ? []
                : Mistakes.Find(parsed);
            return mistakes.Length > 0
                ? Failure.Usage(mistakes)
                : await parsed.InvokeAsync(
                    new InvocationConfiguration
                    {
                        EnableDefaultExceptionHandler = false,
                        // Then a signal ends what hasn't ended by itself: on a busy node the usual 2 s may be too short,
                        // and a kubelet waits for 30.
                        ProcessTerminationTimeout = TimeSpan.FromSeconds(20),
                    }
                );
        }
        catch (UsageException problem)
        {
            return Failure.Usage(problem.Message);
        }
        catch (OperationCanceledException)
        {
            // By Ctrl-C or SIGTERM, in a command for which that is no way to end.
            return Failure.Because("stopped before there was an answer");
        }
        catch (Exception problem) when (problem is IOException or UnauthorizedAccessException)
        {
            // Nobody reads the answer, or the disk is full.
            return Failure.Because($"writing the answer: {FileProblem.Describe(problem)}");
        }
    }
}
