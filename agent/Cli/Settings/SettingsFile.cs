using System.Collections.Immutable;
using System.CommandLine;
using System.Runtime.CompilerServices;
using PinAgent.Kubernetes.Objects;
using PinAgent.Model.Cpu;
using PinAgent.Model.Text;
using PinAgent.NativeInterop.Files;

namespace PinAgent.Cli.Settings;

/// <summary>What a settings file tells: YAML, a map from options' names without their dashes to a value or a list.</summary>
/// <param name="Values">What it says, by name.</param>
internal sealed record SettingsFile(
    string Path,
    ImmutableSortedDictionary<string, ImmutableArray<string>> Values
)
{
    // The one setting whose values may be a map: guests' names, and the CPUs of each.
    private const string Guests = "vm";

    /// <summary>The file that is read where none is named and this one is there.</summary>
    public const string DefaultPath = "/etc/pinagent/config.yaml";

    /// <summary>The largest file, in bytes; a real one has some lines.</summary>
    public const int LargestFile = 256 * 1024;

    private const string Variable = "PINAGENT_CONFIG";

    // Every setting asks for the file, and all of them mean the same state of it.
    private static readonly ConditionalWeakTable<ParseResult, SettingsFile> Files = [];

    private static readonly ImmutableSortedDictionary<string, ImmutableArray<string>> Nothing =
        ImmutableSortedDictionary.Create<string, ImmutableArray<string>>(StringComparer.Ordinal);

    /// <summary>Names the file.</summary>
    public static Option<string?> Option { get; } =
        new("--config")
        {
            Description =
                "Settings in YAML: options' names without dashes, and their values. An option and its variable win over the "
                + $"file. [default: {DefaultPath}, if it's there; env: {Variable}]",
            HelpName = "FILE",
            Recursive = true,
        };

    /// <summary>What the command line's file tells; nothing where none is named and the default isn't there.</summary>
    /// <exception cref="UsageException">It can't be read, or isn't such a file.</exception>
    public static SettingsFile Of(ParseResult parsed) => Files.GetValue(parsed, Read);

    private static SettingsFile Read(ParseResult parsed)
    {
        var path = PathOf(parsed);
        try
        {
            return Parse(path ?? DefaultPath, OwnFile.ReadText(path ?? DefaultPath, LargestFile));
        }
        catch (Exception problem)
            when (path is null && problem is FileNotFoundException or DirectoryNotFoundException)
        {
            return new SettingsFile(DefaultPath, Nothing);
        }
        catch (Exception problem) when (problem is IOException or UnauthorizedAccessException)
        {
            throw new UsageException(
                $"settings file: {FileProblem.Describe(path ?? DefaultPath, problem)}",
                problem
            );
        }
        catch (FormatException problem)
        {
            throw new UsageException(problem.Message, problem);
        }
    }

    /// <summary>The file that is named; null if none is.</summary>
    public static string? PathOf(ParseResult parsed) =>
        parsed.GetResult(Option) is { Tokens: [{ Value: { Length: > 0 } option }] } ? option
        : Environment.GetEnvironmentVariable(Variable) is { Length: > 0 } variable ? variable
        : null;

    /// <summary>Understands a file's text.</summary>
    /// <exception cref="FormatException">The message begins with the path.</exception>
    public static SettingsFile Parse(string path, string text)
    {
        try
        {
            return YamlReader.Read(text) switch
            {
                [] or [ScalarNode { IsNull: true }] => new SettingsFile(path, Nothing),
                [MapNode map] => new SettingsFile(
                    path,
                    Nothing.AddRange(
                        map.Values.Select(entry =>
                            KeyValuePair.Create(entry.Key, ValuesOf(entry.Key, entry.Value))
                        )
                    )
                ),
                _ => throw new FormatException(
                    "expected one map of settings, like \"mode: audit\""
                ),
            };
        }
        catch (FormatException problem)
        {
            throw new FormatException($"{path}: {problem.Message}", problem);
        }
    }

    private static ImmutableArray<string> ValuesOf(string key, ObjectNode value) =>
        value switch
        {
            ScalarNode { IsNull: false } scalar => [scalar.Text],
            ListNode list when list.Values.All(item => item is ScalarNode { IsNull: false }) =>
            [
                .. list.Values.Cast<ScalarNode>().Select(item => item.Text),
            ],
            MapNode map when key == Guests && map.Values.All(entry => entry.Value is ScalarNode) =>
            [
                .. map.Values.Select(entry => Pair(key, entry.Key, (ScalarNode)entry.Value)),
            ],
            _ => throw new FormatException($"{key}: expected a value or a list of values"),
        };

    // Between braces a comma ends a value: {db1: 4-7,12-15} has the keys db1 and 12-15.
    private static string Pair(string key, string name, ScalarNode value) =>
        !value.IsNull
            ? CpuSet.TryParse(value.Text, out _, out var error)
                ? $"{name}={value.Text}"
                : throw new FormatException($"{key}: {name}: {error}")
            : CpuSet.TryParse(name, out _, out _)
                ? throw new FormatException(
                    $"{key}: found \"{name}\" without a value: put a list with a comma in quotes"
                )
                : name;
}
