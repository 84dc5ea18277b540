namespace PinAgent.Cli.Settings;

/// <summary>The command line, or a setting in the environment or the settings file, is wrong.</summary>
internal sealed class UsageException(string message, Exception? inner = null)
    : Exception(message, inner);
