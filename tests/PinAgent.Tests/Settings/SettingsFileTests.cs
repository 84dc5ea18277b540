using System.CommandLine;
using PinAgent.Cli;
using PinAgent.Cli.Settings;
using PinAgent.Model.Node;
using PinAgent.Report;
using Xunit;

namespace PinAgent.Tests.Settings;

/// <summary>A settings file beside the command line, as an administrator writes it.</summary>
public sealed class SettingsFileTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("settings-").FullName;

    private string Path => $"{_folder}/config.yaml";

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void What_the_file_says_holds_until_an_option_says_otherwise()
    {
        Write("mode: audit\ninterval: 5\n");

        Assert.Equal(AgentMode.Audit, new LiveMode(Run(), RunCommand.Mode).Current.Mode);
        Assert.Equal(
            AgentMode.Enforce,
            new LiveMode(Run("--mode", "enforce"), RunCommand.Mode).Current.Mode
        );
    }

    [Fact]
    public void Every_mistake_is_found_at_once_with_its_place()
    {
        Write("mode: loud\ninterval: [1, 2]\nlabels: {a: b}\n");
        Assert.Equal(
            [$"{Path}: labels: expected a value or a list of values"],
            Mistakes.Find(Run())
        );

        Write("mode: loud\ninterval: [1, 2]\ncolour: red\nvm: [a, '']\n");
        var found = Mistakes.Find(Run("--tcp", "0.0.0.0:1", "--labels", "maybe"));

        Assert.Equal(
            [
                "--tcp: expected off, or a loopback address and a port like 127.0.0.1:9477, found \"0.0.0.0:1\"",
                "--labels: expected auto|manage|observe, found \"maybe\"",
                $"{Path}: vm: expected a value, found an empty one",
                $"{Path}: mode: expected enforce|audit, found \"loud\"",
                $"{Path}: interval: expected one value, found 2",
            ],
            found.Take(5)
        );
        Assert.StartsWith($"{Path}: colour: expected one of annotate-pods, ", found[^1]);
        Assert.Equal(6, found.Length);
    }

    [Theory]
    [InlineData("vm: [db1, db2=4-7]", "db1 db2=4-7")]
    [InlineData("vm: {db1: 4-7, db2: \"1,3\"}", "db1=4-7 db2=1,3")]
    [InlineData("vm:\n  db1: 4-7,12-15\n  db2:\n  db3: 5", "db1=4-7,12-15 db2 db3=5")]
    [InlineData("vm: db1=2", "db1=2")]
    public void Guests_may_be_a_map_with_their_CPUs(string text, string expected)
    {
        Write(text);

        Assert.Empty(Mistakes.Find(Run()));
        Assert.Equal(expected, string.Join(' ', SettingsFile.Of(Run()).Values["vm"]));
    }

    [Theory]
    [InlineData(
        "vm: {db1: 4-7,12-15}",
        "vm: found \"12-15\" without a value: put a list with a comma in quotes"
    )]
    [InlineData(
        "vm: {db1: four}",
        "vm: db1: expected a list of CPUs like 0-3,8 with ids up to 65535, found \"four\""
    )]
    [InlineData(
        "vm: [db1=1, db1=2]",
        "vm: expected each guest once, found db1 with different CPUs"
    )]
    [InlineData("vm: {db1: [1]}", "vm: expected a value or a list of values")]
    public void What_such_a_map_has_wrong_is_said(string text, string expected)
    {
        Write(text);

        Assert.Equal([$"{Path}: {expected}"], Mistakes.Find(Run()));
    }

    [Theory]
    [InlineData("")]
    [InlineData("# mode: audit\n")]
    [InlineData("mode: enforce\nannotate-pods: true\nvm: [a, b]\nlabel-keys: [x/y, z]\ntcp: off\n")]
    public void A_file_without_a_mistake_is_taken(string text)
    {
        Write(text);

        Assert.Empty(Mistakes.Find(Run()));
    }

    [Theory]
    [InlineData("mode: [audit", "line ")]
    [InlineData("- mode", "expected one map of settings")]
    [InlineData("mode:\n", "mode: expected a value")]
    [InlineData("mode: audit\nmode: enforce\n", "given twice")]
    [InlineData("once: true\n", "once: expected one of")]
    [InlineData("output: json\n", "output: expected one of")]
    public void A_file_that_is_none_is_refused(string text, string because)
    {
        Write(text);

        var mistake = Assert.Single(Mistakes.Find(Run()));
        Assert.StartsWith(Path, mistake);
        Assert.Contains(because, mistake, StringComparison.Ordinal);
    }

    [Fact]
    public void A_named_file_that_is_not_there_is_a_mistake()
    {
        var mistake = Assert.Single(Mistakes.Find(Run()));

        Assert.Contains("config.yaml", mistake, StringComparison.Ordinal);
        Assert.StartsWith("settings file: ", mistake);
    }

    [Fact]
    public void The_mode_follows_the_file_through_the_links_of_a_mounted_ConfigMap()
    {
        // As the kubelet's atomic writer does: config.yaml → ..data/config.yaml, ..data → ..1, then ..data → ..2.
        Mount("..1", "mode: audit\n");
        File.CreateSymbolicLink(Path, "..data/config.yaml");
        var mode = new LiveMode(Run(), RunCommand.Mode);
        Assert.Equal(new EffectiveMode(AgentMode.Audit, null), mode.Look());

        Mount("..2", "mode: enforce\n");
        Assert.Equal(new EffectiveMode(AgentMode.Enforce, null), mode.Look());
    }

    [Fact]
    public void An_edit_that_cannot_be_understood_changes_nothing_and_is_told()
    {
        Write("mode: audit\n");
        var mode = new LiveMode(Run(), RunCommand.Mode);

        Write("mode: enfroce\n");
        Assert.Equal(
            new EffectiveMode(AgentMode.Audit, null)
            {
                Notice =
                    $"{Path}: mode: expected enforce|audit, found \"enfroce\"; the mode stays as it was",
            },
            mode.Look()
        );

        File.Delete(Path);
        Assert.Equal(AgentMode.Audit, mode.Look().Mode);

        Write("mode: enforce\n");
        Assert.Equal(new EffectiveMode(AgentMode.Enforce, null), mode.Look());
    }

    [Fact]
    public void Other_edits_wait_for_the_next_start_and_are_told()
    {
        Write("interval: 1\nlabels: observe\n");
        var mode = new LiveMode(Run(), RunCommand.Mode);
        Assert.Null(mode.Look().Notice);

        Write("interval: 2\nnode-name: n\n");

        var edited = mode.Look();
        Assert.Equal(
            $"{Path}: changed, but used only from the agent's next start on: interval, labels, node-name",
            edited.Notice
        );
        Assert.Null(edited.Message);
    }

    [Fact]
    public void An_option_for_the_mode_wins_over_every_edit()
    {
        Write("mode: audit\n");
        var mode = new LiveMode(Run("--mode", "audit"), RunCommand.Mode);

        Write("mode: enforce\n");

        Assert.Equal(AgentMode.Audit, mode.Look().Mode);
    }

    private void Write(string text) => File.WriteAllText(Path, text);

    private void Mount(string version, string text)
    {
        Directory.CreateDirectory($"{_folder}/{version}");
        File.WriteAllText($"{_folder}/{version}/config.yaml", text);
        File.Delete($"{_folder}/..data");
        File.CreateSymbolicLink($"{_folder}/..data", version);
    }

    private ParseResult Run(params string[] arguments) =>
        new RootCommand { RunCommand.Create(), SettingsFile.Option }.Parse([
            "run",
            "--config",
            Path,
            .. arguments,
        ]);
}
