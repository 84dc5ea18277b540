using System.Collections.Immutable;
using System.CommandLine;
using System.Globalization;
using System.Text;
using PinAgent.Cli.Settings;
using PinAgent.Model.Node;
using PinAgent.Observe.Cgroups;
using PinAgent.Observe.Files;
using PinAgent.Observe.Kubelet;

namespace PinAgent.Cli.Options;

/// <summary>How an answer is printed.</summary>
internal enum OutputFormat
{
    /// <summary>For people.</summary>
    Text,

    /// <summary>For programs.</summary>
    Json,
}

/// <summary>The options that several commands share, and the kinds of options there are.</summary>
internal static class CommonOptions
{
    private const string Found = "auto";

    /// <summary>Where the machine's files are looked for.</summary>
    public static Setting<string> HostRoot { get; } =
        new(
            "--host-root",
            "DIR",
            "Where /proc, /sys and the kubelet's folder are looked for.",
            "/",
            text =>
                text.Length > 0 && Encoding.UTF8.GetByteCount(text) <= HostFiles.MaxRootLength
                    ? text
                    : throw new FormatException(
                        $"expected a folder of at most {HostFiles.MaxRootLength} bytes, found {text.Length} characters"
                    )
        )
        {
            IsEverywhere = true,
        };

    /// <summary>Where the kubelet keeps its state.</summary>
    public static Setting<string> KubeletRoot { get; } =
        new(
            "--kubelet-root",
            "DIR",
            "The kubelet's root folder, below the host root.",
            CpuManagerObserver.DefaultKubeletRoot,
            AnyText
        )
        {
            IsEverywhere = true,
        };

    /// <summary>The kubelet's root folder on the machine that the options name.</summary>
    public static string KubeletRootOf(ParseResult parsed)
    {
        using var files = new HostFiles(HostRoot.Get(parsed));
        return CpuManagerObserver.FindRoot(files, KubeletRoot.Get(parsed));
    }

    /// <summary>Where the kubelet's pods are.</summary>
    public static Setting<string?> PodCgroup { get; } =
        new(
            "--kubepods-cgroup",
            "PATH",
            "The cgroup below which the kubelet makes its pods', where the agent runs in none of them and the kubelet's "
                + "config.yaml doesn't tell: /kubepods.slice, for example.",
            Found,
            text =>
                text == Found ? null
                : text.StartsWith('/') && text.TrimEnd('/').Length > 0 ? text.TrimEnd('/')
                : throw new FormatException(
                    $"expected {Found} or a path from the hierarchy's root like /kubepods.slice, found \"{text}\""
                )
        )
        {
            IsEverywhere = true,
        };

    /// <summary>Both of these.</summary>
    public static KubeletPlace KubeletPlaceOf(ParseResult parsed) =>
        new(KubeletRootOf(parsed), PodCgroup.Get(parsed));

    /// <summary>How the answer is printed.</summary>
    /// <param name="word">What the form for people is called: <c>table</c> or <c>text</c>; the other is understood.</param>
    public static Setting<OutputFormat> Output(string word) =>
        new(
            "--output",
            $"{word}|json",
            "For people or for programs.",
            word,
            text =>
                text switch
                {
                    "table" or "text" => OutputFormat.Text,
                    "json" => OutputFormat.Json,
                    _ => throw new FormatException($"expected {word}|json, found \"{text}\""),
                },
            "-o"
        )
        {
            IsInFile = false,
        };

    /// <summary>A text.</summary>
    public static Setting<string> Text(
        string name,
        string valueName,
        string description,
        string defaultText
    ) => new(name, valueName, description, defaultText, AnyText);

    /// <summary>One of a few words, the first where nothing is said.</summary>
    public static Setting<T> Choice<T>(
        string name,
        string description,
        (string Word, T Value)[] words,
        params string[] aliases
    )
    {
        var expected = string.Join('|', words.Select(word => word.Word));
        return new Setting<T>(
            name,
            expected,
            description,
            words[0].Word,
            text =>
                Array.Exists(words, word => word.Word == text)
                    ? Array.Find(words, word => word.Word == text).Value
                    : throw new FormatException($"expected {expected}, found \"{text}\""),
            aliases
        );
    }

    /// <summary>A length of time in seconds.</summary>
    public static Setting<TimeSpan> Seconds(string name, string description, string defaultText)
    {
        const double Shortest = 0.01;
        const double Longest = 3600;
        return new Setting<TimeSpan>(
            name,
            "SECONDS",
            description,
            defaultText,
            text =>
                double.TryParse(
                    text,
                    NumberStyles.AllowDecimalPoint,
                    CultureInfo.InvariantCulture,
                    out var seconds
                ) && seconds is >= Shortest and <= Longest
                    ? TimeSpan.FromSeconds(seconds)
                    : throw new FormatException(
                        $"expected {Shortest} to {Longest} seconds, found \"{text}\""
                    )
        );
    }

    /// <summary>A text that may be given several times; in the environment, separated by commas.</summary>
    public static Setting<ImmutableArray<string>> Texts(
        string name,
        string valueName,
        string description
    ) => new(Repeatable(name, valueName, description), isList: true, [], NotEmpty);

    /// <summary>
    /// Guests' names, each with or without CPUs: <c>db1=4-7,12-15</c>. In a settings file a map does, too; in the environment
    /// commas separate guests as well as CPUs.
    /// </summary>
    public static Setting<ImmutableArray<NamedGuest>> Guests(
        string name,
        string valueName,
        string description
    ) =>
        new(
            Repeatable(name, valueName, description),
            isList: true,
            [],
            texts => OnceEach([.. NotEmpty(texts).Select(text => new NamedGuest(text))])
        )
        {
            MayBeMap = true,
        };

    private static Option<string[]> Repeatable(string name, string valueName, string description) =>
        new(name)
        {
            Description =
                $"{description} Repeatable. [env: {Setting.VariableOf(name)}, separated by commas]",
            HelpName = valueName,
        };

    private static ImmutableArray<string> NotEmpty(ImmutableArray<string> texts) =>
        texts.All(text => text.Length > 0)
            ? texts
            : throw new FormatException("expected a value, found an empty one");

    private static ImmutableArray<NamedGuest> OnceEach(ImmutableArray<NamedGuest> guests) =>
        guests.GroupBy(guest => guest.Name).FirstOrDefault(same => same.Distinct().Count() > 1)
            is { Key: var twice }
            ? throw new FormatException(
                $"expected each guest once, found {twice} with different CPUs"
            )
            : guests;

    /// <summary>A yes or no; no where nothing is said.</summary>
    public static Setting<bool> Flag(string name, string description) =>
        new(
            new Option<string?>(name)
            {
                Description = $"{description} [env: {Setting.VariableOf(name)}=true]",
                Arity = ArgumentArity.ZeroOrOne,
                HelpName = "true|false",
            },
            isList: false,
            ["false"],
            texts =>
                texts[0] switch
                {
                    "true" => true,
                    "false" => false,
                    var text => throw new FormatException($"expected true|false, found \"{text}\""),
                }
        );

    private static string AnyText(string text) =>
        text.Length > 0 ? text : throw new FormatException("expected a value, found none");
}
