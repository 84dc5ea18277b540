using PinAgent.Model.Text;

namespace PinAgent.Cli.Terminal;

/// <summary>Says in one line on standard error what went wrong.</summary>
internal static class Failure
{
    // Nobody reads more of them, and a file can have any number.
    private const int MostMistakes = 50;

    /// <summary>The command line is wrong.</summary>
    public static int Usage(string message) => Say(message, ExitCode.Usage);

    /// <summary>The command line is wrong in several ways, a line for each.</summary>
    public static int Usage(IEnumerable<string> messages)
    {
        var all = messages.ToList();
        foreach (var message in all.Take(MostMistakes))
        {
            _ = Usage(message);
        }

        if (all.Count > MostMistakes)
        {
            _ = Usage($"and {all.Count - MostMistakes} more mistakes");
        }

        return ExitCode.Usage;
    }

    /// <summary>The answer is no.</summary>
    public static int No(string message) => Say(message, ExitCode.No);

    /// <summary>It couldn't be done.</summary>
    public static int Because(string message) => Say(message, ExitCode.Failed);

    private static int Say(string message, int code)
    {
        // It quotes what it was given: files, variables, names.
        Console.Error.WriteLine(
            $"pinagent: {Words.Shown(message.ReplaceLineEndings(" "), Words.LongestSentence)}"
        );
        return code;
    }
}
