using System.CommandLine;
using System.Globalization;

namespace PinAgent.Cli.Options;

/// <summary>An option whose value is a whole number within bounds.</summary>
internal sealed class Number
{
    private readonly int _least;
    private readonly int _most;

    public Number(string name, string description, int least, int most)
    {
        (_least, _most) = (least, most);
        Option = new Option<string?>(name) { Description = description, HelpName = "N" };
        Option.Validators.Add(result =>
        {
            if (result.Tokens is [{ Value: { Length: > 0 } text }] && Read(text) is null)
            {
                result.AddError(
                    $"{name}: expected a whole number from {least} to {most}, found \"{text}\""
                );
            }
        });
    }

    /// <summary>The option.</summary>
    public Option<string?> Option { get; }

    /// <summary>The number; null if none is given.</summary>
    public int? Get(ParseResult parsed) => Read(parsed.GetValue(Option));

    private int? Read(string? text) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number)
        && number >= _least
        && number <= _most
            ? number
            : null;
}
