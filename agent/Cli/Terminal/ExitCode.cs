namespace PinAgent.Cli.Terminal;

/// <summary>The exit codes of every command.</summary>
internal static class ExitCode
{
    /// <summary>Done; the answer is yes.</summary>
    public const int Fine = 0;

    /// <summary>Done; the answer is no.</summary>
    public const int No = 1;

    /// <summary>The command line is wrong.</summary>
    public const int Usage = 2;

    /// <summary>It couldn't be done.</summary>
    public const int Failed = 3;
}
