using System.Collections.Immutable;
using System.CommandLine;
using PinAgent.Model.Vm;

namespace PinAgent.Cli.Completion;

/// <summary>A word that a shell may put in, and what it means.</summary>
internal sealed record Candidate(string Word, string Meaning);

/// <summary>
/// What could stand where somebody presses Tab. Not the parser's own directive <c>[suggest]</c>: that one throws at
/// <c>--sort=p</c>, knows no values of the settings, and offers what has the letters anywhere. Pure.
/// </summary>
internal static class WordsToComplete
{
    private const int LongestMeaning = 70;

    /// <summary>The candidates, in order; none where only a file or a free text can stand.</summary>
    /// <param name="words">The words after the program's name, the last one as far as it's typed; it may be empty.</param>
    /// <param name="vms">The names of the VMs that run, asked for only where one is wanted.</param>
    public static ImmutableArray<Candidate> Of(
        RootCommand root,
        IReadOnlyList<string> words,
        Func<IEnumerable<string>> vms
    )
    {
        var typed = words.Count > 0 ? words[^1] : "";
        Command command = root;
        Option? waiting = null;
        foreach (var word in words.SkipLast(1))
        {
            if (waiting is not null)
            {
                waiting = null;
            }
            else if (word.StartsWith('-'))
            {
                waiting = Find(command, word) is { } option && IsValueNext(option) ? option : null;
            }
            else if (command == root)
            {
                command = root.Subcommands.FirstOrDefault(sub => sub.Name == word) ?? command;
            }
        }

        if (waiting is not null)
        {
            return Beginning(typed, ValuesOf(waiting, vms));
        }

        if (
            typed.StartsWith("--", StringComparison.Ordinal) && typed.IndexOf('=') is var at and > 0
        )
        {
            return Find(command, typed[..at]) is { } named
                ? Beginning(
                    typed,
                    ValuesOf(named, vms)
                        .Select(value => value with { Word = $"{typed[..at]}={value.Word}" })
                )
                : [];
        }

        return typed.StartsWith('-')
            ? Beginning(typed, OptionsOf(command).Select(Describe))
            : Beginning(typed, PlacesOf(root, command));
    }

    private static IEnumerable<Candidate> PlacesOf(RootCommand root, Command command) =>
        command == root ? Commands(root)
        : command.Arguments is [{ Name: "command" }] ? Commands(root)
        : command.Arguments is [{ HelpName: { } name }] ? Choices(name)
        : [];

    private static IEnumerable<Candidate> Commands(RootCommand root) =>
        root.Subcommands.Select(sub => new Candidate(sub.Name, Short(sub.Description)));

    private static IEnumerable<Candidate> ValuesOf(Option option, Func<IEnumerable<string>> vms) =>
        option switch
        {
            { HelpName: "STATE" } => Enum.GetNames<VmState>()
                .Select(state => new Candidate(state, "")),
            { Name: "--vm", HelpName: "NAME" } => vms().Select(name => new Candidate(name, "")),
            { HelpName: { } name } => Choices(name),
            _ => [],
        };

    // pain|vm|cpu; what's in capitals is a thing and not a word, as in ADDRESS:PORT|off.
    private static IEnumerable<Candidate> Choices(string name) =>
        name.Contains('|', StringComparison.Ordinal)
            ? name.Split('|')
                .Where(word => word.Length > 0 && char.IsAsciiLetterLower(word[0]))
                .Select(word => new Candidate(word, ""))
            : [];

    private static IEnumerable<Option> OptionsOf(Command command) =>
        command
            .Options.Concat(
                command
                    .Parents.OfType<Command>()
                    .SelectMany(parent => parent.Options.Where(option => option.Recursive))
            )
            .Where(option => !option.Hidden);

    private static Option? Find(Command command, string word) =>
        OptionsOf(command)
            .FirstOrDefault(option => option.Name == word || option.Aliases.Contains(word));

    // Of a flag true or false may stand next, but hardly ever does.
    private static bool IsValueNext(Option option) => option.Arity.MinimumNumberOfValues > 0;

    private static Candidate Describe(Option option) => new(option.Name, Short(option.Description));

    private static ImmutableArray<Candidate> Beginning(
        string typed,
        IEnumerable<Candidate> candidates
    ) =>
        [
            .. candidates
                .Where(one => one.Word.StartsWith(typed, StringComparison.OrdinalIgnoreCase))
                .DistinctBy(one => one.Word)
                .OrderBy(one => one.Word, StringComparer.Ordinal),
        ];

    // The first sentence, without a tab or an end of line, which would end it for the shell.
    private static string Short(string? description)
    {
        var text = string.Join(
            ' ',
            (description ?? "").Split(
                (char[])[' ', '\t', '\n'],
                StringSplitOptions.RemoveEmptyEntries
            )
        );
        var end = text.IndexOf(" [", StringComparison.Ordinal) is var note and > 0
            ? note
            : text.Length;
        text = text[..end].TrimEnd('.');
        return text.Length <= LongestMeaning
            ? text
            : $"{text[..(LongestMeaning - 3)].TrimEnd()}...";
    }
}
