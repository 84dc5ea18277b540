namespace PinAgent.Cli.Terminal;

/// <summary>Says in one line on standard error what went wrong.</summary>
internal static class Failure
{
    /// <summary>The command line is wrong.</summary>
    public static int Usage(string message) => Say(message, ExitCode.Usage);

    /// <summary>The command line is wrong in several ways, a line for each.</summary>
    public static int Usage(IEnumerable<string> messages)
    {
        foreach (var message in messages)
        {
            _ = Usage(message);
        }

        return ExitCode.Usage;
    }

    /// <summary>The answer is no.</summary>
    public static int No(string message) => Say(message, ExitCode.No);

    /// <summary>It couldn't be done.</summary>
    public static int Because(string message) => Say(message, ExitCode.Failed);

    private static int Say(string message, int code)
    {
        Console.Error.WriteLine($"pinagent: {message.ReplaceLineEndings(" ")}");
        return code;
    }
}
