using System.Collections.Immutable;
using System.CommandLine;
using System.Text.RegularExpressions;
using PinAgent.Cli.Ask;
using PinAgent.Cli.Options;
using PinAgent.Cli.Terminal;

namespace PinAgent.Cli.Completion;

/// <summary><c>pinagent completion</c>: the script by which a shell completes this program's words.</summary>
internal static partial class CompletionCommand
{
    /// <summary>What the scripts call, before <c>--</c> and the words: for no person, so that no help has it.</summary>
    public const string Question = "complete";

    private const int MostNames = 200;

    // Somebody waits at a terminal.
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(3);

    private static readonly Argument<string> Shell = new("shell")
    {
        Description = "The shell.",
        HelpName = "bash|zsh|fish",
    };

    public static Command Create()
    {
        Shell.Validators.Add(result =>
        {
            if (result.Tokens is [{ Value: not ("bash" or "zsh" or "fish") and var text }])
            {
                result.AddError($"completion: expected bash|zsh|fish, found \"{text}\"");
            }
        });
        var command = new DetailedCommand(
            "completion",
            "Print the script by which bash, zsh or fish completes this program's commands, options and values.",
            """
            The script asks this program, so that it stays right when the program is another. Where --vm wants a name, the
            running agent is asked, for three seconds at most, and names that a shell could take for something else are left out.
            Where a shell finds it at its start:
            bash, with the package bash-completion: /usr/share/bash-completion/completions/pinagent.
            zsh: _pinagent in a folder of $fpath, as /usr/local/share/zsh/site-functions.
            fish: /usr/share/fish/vendor_completions.d/pinagent.fish.
            """,
            """
            source <(pinagent completion bash)
            """
        )
        {
            Shell,
        };
        command.SetAction(parsed =>
        {
            using var script = Script(parsed.GetRequiredValue(Shell));
            using var output = Console.OpenStandardOutput();
            script.CopyTo(output);
            return ExitCode.Fine;
        });
        return command;
    }

    /// <summary>Answers a script: a line for each candidate, its word and after a tab its meaning.</summary>
    public static void Answer(RootCommand root, IReadOnlyList<string> words)
    {
        foreach (var candidate in WordsToComplete.Of(root, words, () => NamesOfVms(root, words)))
        {
            Console.Out.Write($"{candidate.Word}\t{candidate.Meaning}\n");
        }
    }

    /// <summary>A name that no shell takes for anything else than a word: what a tenant has chosen is put into a command line.</summary>
    internal static bool IsPlain(string name) => Plain().IsMatch(name);

    private static ImmutableArray<string> NamesOfVms(RootCommand root, IReadOnlyList<string> words)
    {
        try
        {
            // The word that is asked for would be an option without its value.
            var parsed = CommandLine.Parse(root, [.. words.SkipLast(2)]);
            using var client = new StatusClient(EndpointOptions.Socket.Get(parsed));
            using var patience = new CancellationTokenSource(Patience);
            var status = client.GetAsync(patience.Token).GetAwaiter().GetResult();
            return
            [
                .. status
                    .Vms.Select(vm => $"{vm.Namespace}/{vm.Name}")
                    .Where(IsPlain)
                    .Take(MostNames),
            ];
        }
        // Without an agent, or with a setting that is wrong, there are no names; Tab is no place to say so.
        catch (Exception problem)
            when (problem is AgentException or OperationCanceledException or Settings.UsageException
            )
        {
            return [];
        }
    }

    private static Stream Script(string shell) =>
        typeof(CompletionCommand).Assembly.GetManifestResourceStream($"pinagent.{shell}")
        ?? throw new InvalidOperationException($"pinagent.{shell} isn't part of the program");

    [GeneratedRegex(@"^[A-Za-z0-9_][A-Za-z0-9_./-]{0,199}\z", RegexOptions.NonBacktracking)]
    private static partial Regex Plain();
}
