using System.Collections.Immutable;
using System.CommandLine;
using System.CommandLine.Parsing;
using PinAgent.Cli.Options;

namespace PinAgent.Cli.Settings;

/// <summary>Finds everything that is wrong with how a command is called: all of it, so that it's mended in one go.</summary>
internal static class Mistakes
{
    /// <summary>What is wrong on the command line, in the environment and in the settings file.</summary>
    public static ImmutableArray<string> Find(ParseResult parsed)
    {
        if (parsed.Errors.Any(error => error.SymbolResult is not OptionResult))
        {
            // Of several complaints the last is the most to the point: a misspelt command is also a missing one.
            return [parsed.Errors[^1].Message];
        }

        var errors = parsed.Errors.Select(error => error.Message);
        if (parsed.CommandResult.Command is not DetailedCommand command)
        {
            return [.. errors];
        }

        // What the command line says wrong has been said.
        var elsewhere = command
            .Settings.Where(setting => parsed.GetResult(setting.Option) is not { Implicit: false })
            .Select(setting => setting.Mistake(parsed))
            .OfType<string>();
        return
        [
            .. errors
                .Concat(elsewhere)
                .Concat(command.OwnsFile ? Unknown(command, parsed) : [])
                .Distinct(StringComparer.Ordinal),
        ];
    }

    private static IEnumerable<string> Unknown(DetailedCommand command, ParseResult parsed)
    {
        var known = command
            .Settings.Where(setting => setting.IsInFile)
            .Select(setting => setting.Key)
            .ToHashSet(StringComparer.Ordinal);
        SettingsFile file;
        try
        {
            file = SettingsFile.Of(parsed);
        }
        catch (UsageException problem)
        {
            return [problem.Message];
        }

        return file
            .Values.Keys.Where(key => !known.Contains(key))
            .Select(key =>
                $"{file.Path}: {key}: expected one of {string.Join(", ", known.Order(StringComparer.Ordinal))}"
            );
    }
}
