using System.CommandLine;
using PinAgent.Cli.Settings;
using PinAgent.Cli.Terminal;

namespace PinAgent.Cli;

/// <summary>What people type before they know the options: <c>pinagent help run</c>, <c>pinagent version</c>.</summary>
internal static class HelpCommand
{
    public static Command Create()
    {
        var about = new Argument<string?>("command")
        {
            Description = "The command to tell of; without it, all of them are listed.",
            Arity = ArgumentArity.ZeroOrOne,
        };
        var command = new Command("help", "Tell what a command does and which options it has.")
        {
            about,
        };
        command.SetAction(
            async (parsed, stop) =>
            {
                var name = parsed.GetValue(about);
                var root = CommandLine.Create();
                if (name is not null && root.Subcommands.All(other => other.Name != name))
                {
                    return Failure.Usage(NearMiss.OfCommand(root, name));
                }

                return await CommandLine
                    .Parse(root, name is null ? ["--help"] : [name, "--help"])
                    .InvokeAsync(parsed.InvocationConfiguration, stop);
            }
        );
        return command;
    }

    public static Command CreateVersion()
    {
        var command = new Command("version", "Print this program's version.");
        command.SetAction(_ =>
        {
            Output.Line(DoctorCommand.Version);
            return ExitCode.Fine;
        });
        return command;
    }
}
