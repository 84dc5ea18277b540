using System.CommandLine;

namespace PinAgent.Cli;

/// <summary>
/// An option with a twin in the environment: <c>--host-root</c> and <c>PINAGENT_HOST_ROOT</c>. The command line wins.
/// </summary>
/// <typeparam name="T">What its text means.</typeparam>
internal sealed class Setting<T>
{
    private readonly Func<string, T> _read;
    private readonly string _default;
    private readonly string _variable;

    /// <summary>Creates a setting.</summary>
    /// <param name="name">The option's name, with its dashes.</param>
    /// <param name="valueName">What the value is called in the help.</param>
    /// <param name="description">A sentence.</param>
    /// <param name="defaultText">The value where nothing is said.</param>
    /// <param name="read">Understands a value, or throws <see cref="FormatException"/> with what was expected and found.</param>
    /// <param name="aliases">Other names.</param>
    public Setting(
        string name,
        string valueName,
        string description,
        string defaultText,
        Func<string, T> read,
        params string[] aliases
    )
    {
        _read = read;
        _default = defaultText;
        _variable = "PINAGENT_" + name.TrimStart('-').Replace('-', '_').ToUpperInvariant();
        Option = new Option<string?>(name, aliases)
        {
            Description = $"{description} [default: {defaultText}; env: {_variable}]",
            HelpName = valueName,
        };
        Option.Validators.Add(result =>
        {
            try
            {
                _ = read(result.GetValueOrDefault<string?>() ?? "");
            }
            catch (FormatException problem)
            {
                result.AddError($"{name}: {problem.Message}");
            }
        });
    }

    /// <summary>The option.</summary>
    public Option<string?> Option { get; }

    /// <summary>The value that holds.</summary>
    /// <exception cref="UsageException">The environment's value can't be understood.</exception>
    public T Get(ParseResult parsed)
    {
        if (parsed.GetValue(Option) is { } text)
        {
            return _read(text);
        }

        var fromEnvironment = Environment.GetEnvironmentVariable(_variable);
        try
        {
            return _read(string.IsNullOrEmpty(fromEnvironment) ? _default : fromEnvironment);
        }
        catch (FormatException problem)
        {
            throw new UsageException($"{_variable}: {problem.Message}", problem);
        }
    }
}

/// <summary>The command line, or a setting in the environment, is wrong.</summary>
internal sealed class UsageException(string message, Exception? inner = null)
    : Exception(message, inner);
