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
        var command = parsed.CommandResult.Command;
        if (command is RootCommand)
        {
            return parsed.UnmatchedTokens is [var first, ..]
                ?
                [
                    first.StartsWith('-')
                        ? NearMiss.OfArgument(command, command.Name, first)
                        : NearMiss.OfCommand(command, first),
                ]
                : [$"expected a command; see {command.Name} help"];
        }

        var errors = parsed
            .Errors.Where(error =>
                error.SymbolResult is not CommandResult || parsed.UnmatchedTokens.Count == 0
            )
            .Select(Describe)
            .Concat(Empty(parsed))
            .Concat(Unmatched(parsed));
        if (command is not DetailedCommand detailed)
        {
            return [.. errors];
        }

        // What the command line says wrong has been said.
        var elsewhere = detailed
            .Settings.Where(setting => parsed.GetResult(setting.Option) is not { Implicit: false })
            .Select(setting => setting.Mistake(parsed))
            .OfType<string>();
        return
        [
            .. errors
                .Concat(elsewhere)
                .Concat(detailed.OwnsFile ? Unknown(detailed, parsed) : [])
                .Distinct(StringComparer.Ordinal),
        ];
    }

    // The value of an option that isn't there has no place either, and isn't another mistake.
    private static IEnumerable<string> Unmatched(ParseResult parsed)
    {
        var command = parsed.CommandResult.Command;
        var path = $"{parsed.RootCommandResult.Command.Name} {command.Name}";
        var options = parsed.UnmatchedTokens.Where(token => token.StartsWith('-')).ToList();
        return (options.Count > 0 ? options : parsed.UnmatchedTokens.Take(1)).Select(token =>
            NearMiss.OfArgument(command, path, token)
        );
    }

    // Settings say themselves what an empty text means. A file, a VM or a number it never is.
    private static IEnumerable<string> Empty(ParseResult parsed)
    {
        var command = parsed.CommandResult.Command;
        var settings = (command as DetailedCommand)?.Settings.Select(setting => setting.Option);
        return command
            .Options.Except(settings ?? [])
            .Where(option =>
                parsed.GetResult(option)?.Tokens.Any(token => token.Value.Length == 0) == true
            )
            .Select(option => $"{option.Name}: expected a value, found an empty one");
    }

    private static string Describe(ParseError error) =>
        error.SymbolResult is OptionResult { Option: var option } result
            ? result switch
            {
                { Implicit: true } or { IdentifierToken: null } =>
                    $"expected {option.Name} {option.HelpName}, found none",
                _ when result.Tokens.Count < option.Arity.MinimumNumberOfValues =>
                    $"{option.Name}: expected a value, found none",
                _ when result.IdentifierTokenCount > option.Arity.MaximumNumberOfValues =>
                    $"{option.Name}: expected one value, found {result.IdentifierTokenCount}",
                _ => error.Message,
            }
            : error.Message;

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
