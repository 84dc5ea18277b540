using System.CommandLine;
using PinAgent.Model.Text;

namespace PinAgent.Cli.Settings;

/// <summary>Answers to commands and options that aren't there, with the one that was probably meant.</summary>
internal static class NearMiss
{
    // Nothing that somebody meant is longer, and the work grows with it.
    private const int LongestWord = 40;

    /// <summary>There's no such command.</summary>
    public static string OfCommand(Command root, string word) =>
        $"no command {Words.Quote(word)}"
        + Meant(word, root.Subcommands.Select(command => command.Name), $"{root.Name} help");

    /// <summary>The command has no such option, or no place for such a word.</summary>
    /// <param name="path">How the command is called: <c>pinagent run</c>.</param>
    public static string OfArgument(Command command, string path, string word)
    {
        var who = command is RootCommand ? "" : $"{command.Name}: ";
        if (!word.StartsWith('-'))
        {
            return $"{who}expected no more than options, found {Words.Quote(word)}; see {path} --help";
        }

        var name = word.Split('=', ':')[0];
        return $"{who}no option {Words.Quote(name)}"
            + Meant(
                name,
                OptionsOf(command).SelectMany(option => option.Aliases.Prepend(option.Name)),
                $"{path} --help"
            );
    }

    /// <summary>The word that is most like another; null if none is alike.</summary>
    internal static string? Nearest(string word, IEnumerable<string> known)
    {
        if (word.Length > LongestWord || word.Trim('-').Length == 0)
        {
            return null;
        }

        // A third of it may be wrong, and a beginning may be short.
        var most = Math.Max(1, word.TrimStart('-').Length / 3);
        return known
            .Select(other =>
                (
                    Word: other,
                    Distance: other.StartsWith(word, StringComparison.OrdinalIgnoreCase)
                    && word.Trim('-').Length > 1
                        ? 0
                        : Distance(word.ToUpperInvariant(), other.ToUpperInvariant())
                )
            )
            .Where(other => other.Distance <= most)
            .OrderBy(other => other.Distance)
            .Select(other => other.Word)
            .FirstOrDefault();
    }

    private static string Meant(string word, IEnumerable<string> known, string help) =>
        Nearest(word, known) is { } nearest
            ? $"; did you mean {nearest}? See {help}"
            : $"; see {help}";

    private static IEnumerable<Option> OptionsOf(Command command) =>
        command.Options.Concat(
            command
                .Parents.OfType<Command>()
                .SelectMany(parent => parent.Options.Where(option => option.Recursive))
        );

    // Letters to insert, leave out, replace or swap with their neighbours until one word is the other.
    private static int Distance(string one, string other)
    {
        var steps = new int[one.Length + 1, other.Length + 1];
        for (var i = 0; i <= one.Length; i++)
        {
            for (var j = 0; j <= other.Length; j++)
            {
                steps[i, j] =
                    i == 0 ? j
                    : j == 0 ? i
                    : Math.Min(
                        Math.Min(steps[i - 1, j], steps[i, j - 1]) + 1,
                        steps[i - 1, j - 1] + (one[i - 1] == other[j - 1] ? 0 : 1)
                    );
                if (i > 1 && j > 1 && one[i - 1] == other[j - 2] && one[i - 2] == other[j - 1])
                {
                    steps[i, j] = Math.Min(steps[i, j], steps[i - 2, j - 2] + 1);
                }
            }
        }

        return steps[one.Length, other.Length];
    }
}
