using System.Collections.Immutable;
using System.CommandLine;
using System.Text.Json;
using PinAgent.Cli;
using PinAgent.Cli.Options;
using PinAgent.Cli.Settings;
using PinAgent.Kubernetes.Objects;
using Xunit;

namespace PinAgent.Tests.Settings;

/// <summary>What the packages and the Helm chart bring beside the program: deploy/package, deploy/helm.</summary>
public sealed class PackageTests
{
    // Defaults that are no text of their own.
    private static readonly string[] Examples = ["vm", "vmi", "node-name", "kubeconfig"];

    private static readonly string Folder = Path.Combine(
        Fixtures.PathOf("../.."),
        "deploy/package"
    );

    private static readonly string Chart = Path.Combine(
        Fixtures.PathOf("../.."),
        "deploy/helm/pinagent"
    );

    private static ImmutableArray<Setting> Settings =>
        [.. ((DetailedCommand)RunCommand.Create()).Settings.Where(setting => setting.IsInFile)];

    [Fact]
    public void The_settings_let_it_report_only()
    {
        var file = SettingsFile.Parse("config.yaml", Text());

        var (key, values) = Assert.Single(file.Values);
        Assert.Equal("mode", key);
        Assert.Equal(["audit"], values);
    }

    [Fact]
    public void Every_setting_is_there_with_a_value_that_is_taken()
    {
        var file = SettingsFile.Parse("config.yaml", Uncommented());

        Assert.Equal(
            Settings.Select(setting => setting.Key).Order(StringComparer.Ordinal),
            file.Values.Keys.Order(StringComparer.Ordinal)
        );
        Assert.All(Settings, setting => Assert.Null(setting.Complaint(file.Values[setting.Key])));
    }

    [Fact]
    public void What_is_behind_a_hash_is_the_default()
    {
        var file = SettingsFile.Parse("config.yaml", Uncommented());

        foreach (
            var setting in Settings.Where(setting => setting.Key is not ("mode" or "standalone"))
        )
        {
            var told = string.Join(',', file.Values[setting.Key]);
            if (Default(setting.Option) is { } text && !Examples.Contains(setting.Key))
            {
                Assert.Equal($"{setting.Key}: {text}", $"{setting.Key}: {told}");
            }
            else if (!Examples.Contains(setting.Key))
            {
                // A flag has no default but to be off.
                Assert.Equal($"{setting.Key}: false", $"{setting.Key}: {told}");
            }
        }
    }

    [Fact]
    public void The_licence_of_every_library_compiled_in_is_told()
    {
        using var made = JsonDocument.Parse(
            File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "pinagent.deps.json"))
        );
        var compiledIn = made
            .RootElement.GetProperty("targets")
            .EnumerateObject()
            .SelectMany(target => target.Value.EnumerateObject())
            .Where(library =>
                library.Value.TryGetProperty("runtime", out _)
                || library.Value.TryGetProperty("runtimeTargets", out _)
            )
            .Select(library => library.Name.Split('/')[0])
            .Where(name => !name.StartsWith("PinAgent", StringComparison.OrdinalIgnoreCase))
            .Order(StringComparer.Ordinal);
        // A stanza's list of files goes on in lines that begin with a space, until the next field.
        var told = File.ReadAllText(Path.Combine(Folder, "copyright"))
            .Split("\n\n")
            .Where(stanza => stanza.StartsWith("Files:", StringComparison.Ordinal))
            .SelectMany(stanza =>
                stanza["Files:".Length..].Split("\nCopyright:")[0].Split((char[])[' ', '\n'])
            );

        Assert.Subset(
            told.ToHashSet(StringComparer.Ordinal),
            compiledIn.ToHashSet(StringComparer.Ordinal)
        );
        Assert.NotEmpty(compiledIn);
    }

    [Fact]
    public void The_chart_takes_the_settings_that_a_cluster_has_a_use_for()
    {
        // The first are for one machine, the others go with values of their own.
        string[] others =
        [
            "standalone",
            "vm",
            "vmi",
            "annotate-pods",
            "metrics-listen",
            "without-vmi-rights",
        ];
        using var schema = JsonDocument.Parse(
            File.ReadAllText(Path.Combine(Chart, "values.schema.json"))
        );
        var taken = schema
            .RootElement.GetProperty("properties")
            .GetProperty("settings")
            .GetProperty("properties")
            .EnumerateObject()
            .ToDictionary(setting => setting.Name, setting => setting.Value);

        Assert.Equal(
            Settings.Select(setting => setting.Key).Except(others).Order(StringComparer.Ordinal),
            taken.Keys.Order(StringComparer.Ordinal)
        );
        foreach (var setting in Settings.Where(setting => taken.ContainsKey(setting.Key)))
        {
            if (taken[setting.Key].TryGetProperty("enum", out var values))
            {
                Assert.Equal(
                    setting.Option.HelpName!.Split('|').Order(StringComparer.Ordinal),
                    values
                        .EnumerateArray()
                        .Select(value => value.GetString()!)
                        .Order(StringComparer.Ordinal)
                );
            }
        }
    }

    [Fact]
    public void The_chart_has_the_programs_version()
    {
        var about = Assert
            .IsType<MapNode>(
                Assert.Single(YamlReader.Read(File.ReadAllText(Path.Combine(Chart, "Chart.yaml"))))
            )
            .Values;

        // Behind + is the commit.
        var version = DoctorCommand.Version.Split('+')[0];
        Assert.Equal(version, ((ScalarNode)about["version"]).Text);
        Assert.Equal(version, ((ScalarNode)about["appVersion"]).Text);
    }

    private static string Text() => File.ReadAllText(Path.Combine(Folder, "config.yaml"));

    // A setting's line is "#key: value", any other comment begins with "# ".
    private static string Uncommented() =>
        string.Join(
            '\n',
            Text().Split('\n').Select(line => line is ['#', not ' ', ..] ? line[1..] : line)
        );

    private static string? Default(Option option) =>
        option.Description?.Split("[default: ") is [_, var rest] ? rest.Split(';')[0] : null;
}
