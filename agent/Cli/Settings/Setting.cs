using System.Collections.Immutable;
using System.CommandLine;
using System.CommandLine.Parsing;
using PinAgent.Model.Cpu;
using PinAgent.Model.Node;

namespace PinAgent.Cli.Settings;

/// <summary>
/// Something that may be told in three places: as an option (<c>--host-root</c>), in the environment
/// (<c>PINAGENT_HOST_ROOT</c>) and in the settings file (<c>host-root</c>). The first that tells it wins.
/// </summary>
internal abstract class Setting
{
    private static readonly char[] Separators = [','];

    /// <summary>Creates a setting.</summary>
    /// <param name="isList">Whether it may have several values, in the environment separated by commas.</param>
    protected Setting(Option option, bool isList)
    {
        Option = option;
        IsList = isList;
        Key = option.Name.TrimStart('-');
        Variable = VariableOf(option.Name);
        option.Validators.Add(result =>
        {
            if (Complaint(TextsOf(result)) is { } complaint)
            {
                result.AddError($"{option.Name}: {complaint}");
            }
        });
    }

    /// <summary>The option.</summary>
    public Option Option { get; }

    /// <summary>What the settings file calls it.</summary>
    public string Key { get; }

    /// <summary>What the environment calls it.</summary>
    public string Variable { get; }

    /// <summary>Whether a settings file may tell it; not so for what is asked of one call of a command.</summary>
    public bool IsInFile { get; init; } = true;

    /// <summary>Whether every command has the option.</summary>
    public bool IsEverywhere
    {
        init => Option.Recursive = value;
    }

    /// <summary>Whether it may have several values.</summary>
    protected bool IsList { get; }

    /// <summary>
    /// Whether its values may be pairs of a name and CPUs: in a settings file a map, in the environment with more commas.
    /// </summary>
    public bool MayBeMap { get; init; }

    /// <summary>What is wrong with it, outside the command line; null if nothing is.</summary>
    public string? Mistake(ParseResult parsed)
    {
        try
        {
            return Told(parsed) is { } told && Complaint(told.Texts) is { } complaint
                ? $"{told.Where}: {complaint}"
                : null;
        }
        catch (UsageException problem)
        {
            return problem.Message;
        }
    }

    /// <summary>Whether the command line or the environment tells it, so that the settings file has no say.</summary>
    public bool IsAboveFile(ParseResult parsed) =>
        FromCommandLine(parsed) is not null || FromEnvironment() is not null;

    /// <summary>Whether the command line itself tells it.</summary>
    public bool IsOnCommandLine(ParseResult parsed) => FromCommandLine(parsed) is not null;

    /// <summary>What is wrong with these values; null if nothing is.</summary>
    public abstract string? Complaint(ImmutableArray<string> texts);

    /// <summary>What the environment calls an option.</summary>
    public static string VariableOf(string optionName) =>
        "PINAGENT_" + optionName.TrimStart('-').Replace('-', '_').ToUpperInvariant();

    /// <summary>The values that hold, and who told them; null if nobody did.</summary>
    /// <exception cref="UsageException">The settings file can't be read.</exception>
    protected (string Where, ImmutableArray<string> Texts)? Told(ParseResult parsed)
    {
        if (FromCommandLine(parsed) is { } options)
        {
            return (Option.Name, options);
        }

        if (FromEnvironment() is { } variable)
        {
            return (Variable, variable);
        }

        if (!IsInFile)
        {
            return null;
        }

        var file = SettingsFile.Of(parsed);
        return file.Values.TryGetValue(Key, out var values)
            ? ($"{file.Path}: {Key}", values)
            : null;
    }

    private ImmutableArray<string>? FromCommandLine(ParseResult parsed) =>
        parsed.GetResult(Option) is { Implicit: false } result ? TextsOf(result) : null;

    private ImmutableArray<string>? FromEnvironment() =>
        Environment.GetEnvironmentVariable(Variable) is not { Length: > 0 } text ? null
        : IsList
            ?
            [
                .. JoinCpus(
                    text.Split(
                        Separators,
                        StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries
                    )
                ),
            ]
        : [text];

    // db1=4-7,12-15 is one guest with eight CPUs.
    private IEnumerable<string> JoinCpus(string[] parts)
    {
        string? last = null;
        foreach (var part in parts)
        {
            if (
                MayBeMap
                && last is not null
                && new NamedGuest(last).Cpus is not null
                && CpuSet.TryParse(part, out _, out _)
            )
            {
                last = $"{last},{part}";
                continue;
            }

            if (last is not null)
            {
                yield return last;
            }

            last = part;
        }

        if (last is not null)
        {
            yield return last;
        }
    }

    // A flag's name alone says yes.
    private static ImmutableArray<string> TextsOf(OptionResult result) =>
        result.Tokens.Count > 0 ? [.. result.Tokens.Select(token => token.Value)] : ["true"];
}

/// <summary>A setting with its meaning.</summary>
/// <typeparam name="T">What its text means.</typeparam>
internal sealed class Setting<T> : Setting
{
    private readonly Func<ImmutableArray<string>, T> _read;
    private readonly ImmutableArray<string> _default;

    /// <summary>Creates a setting of one value.</summary>
    /// <param name="name">The option's name, with its dashes.</param>
    /// <param name="valueName">What the value is called in the help.</param>
    /// <param name="read">Understands a value, or throws <see cref="FormatException"/> with what was expected and found.</param>
    public Setting(
        string name,
        string valueName,
        string description,
        string defaultText,
        Func<string, T> read,
        params string[] aliases
    )
        : this(
            new Option<string?>(name, aliases)
            {
                Description = $"{description} [default: {defaultText}; env: {VariableOf(name)}]",
                HelpName = valueName,
            },
            isList: false,
            [defaultText],
            texts => read(texts[0])
        ) { }

    /// <summary>Creates a setting.</summary>
    /// <param name="isList">Whether it may have several values.</param>
    /// <param name="read">Understands the values, or throws <see cref="FormatException"/>.</param>
    public Setting(
        Option option,
        bool isList,
        ImmutableArray<string> defaults,
        Func<ImmutableArray<string>, T> read
    )
        : base(option, isList)
    {
        _default = defaults;
        _read = read;
    }

    /// <summary>The value that holds.</summary>
    /// <exception cref="UsageException">What the environment or the file tells can't be understood.</exception>
    public T Get(ParseResult parsed)
    {
        var told = Told(parsed);
        try
        {
            return Read(told?.Texts ?? _default);
        }
        catch (FormatException problem)
        {
            throw new UsageException($"{told?.Where}: {problem.Message}", problem);
        }
    }

    /// <summary>The value as a settings file has it, or the default.</summary>
    /// <exception cref="FormatException">It can't be understood; the message begins with the file's path.</exception>
    public T In(SettingsFile file)
    {
        try
        {
            return Read(file.Values.GetValueOrDefault(Key, _default));
        }
        catch (FormatException problem)
        {
            throw new FormatException($"{file.Path}: {Key}: {problem.Message}", problem);
        }
    }

    /// <inheritdoc/>
    public override string? Complaint(ImmutableArray<string> texts)
    {
        try
        {
            _ = Read(texts);
            return null;
        }
        catch (FormatException problem)
        {
            return problem.Message;
        }
    }

    // A file of settings can hold what no command line can, and no path has.
    private T Read(ImmutableArray<string> texts) =>
        texts.Any(text => text.Contains('\0', StringComparison.Ordinal))
            ? throw new FormatException("expected text, found a character of code 0")
        : IsList || texts.Length == 1 ? _read(texts)
        : throw new FormatException($"expected one value, found {texts.Length}");
}
