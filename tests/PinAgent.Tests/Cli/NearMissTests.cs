using System.CommandLine;
using PinAgent.Cli;
using PinAgent.Cli.Settings;
using Xunit;

namespace PinAgent.Tests.Cli;

/// <summary>Commands and options that aren't there: the nearest one is named.</summary>
public sealed class NearMissTests
{
    private static readonly RootCommand Root = CommandLine.Create();

    [Theory]
    [InlineData("no command \"stats\"; did you mean status? See pinagent help", "stats")]
    [InlineData("no command \"statsu\"; did you mean status? See pinagent help", "statsu")]
    [InlineData("no command \"rnu\"; did you mean run? See pinagent help", "rnu", "--once")]
    [InlineData("no command \"topo\"; did you mean topology? See pinagent help", "topo")]
    [InlineData("no command \"xyzzy\"; see pinagent help", "xyzzy")]
    [InlineData("no option \"--hlep\"; did you mean --help? See pinagent --help", "--hlep")]
    [InlineData(
        "status: no option \"--hlep\"; did you mean --help? See pinagent status --help",
        "status",
        "--hlep"
    )]
    [InlineData(
        "run: no option \"--stand-alone\"; did you mean --standalone? See pinagent run --help",
        "run",
        "--stand-alone",
        "--once"
    )]
    [InlineData(
        "run: no option \"--host-rot\"; did you mean --host-root? See pinagent run --help",
        "run",
        "--host-rot=/x"
    )]
    [InlineData(
        "capacity: expected no more than options, found \"foo\"; see pinagent capacity --help",
        "capacity",
        "foo"
    )]
    [InlineData("expected a command; see pinagent help", "--host-root", "/")]
    public void The_nearest_is_named(string expected, params string[] arguments)
    {
        var mistake = Assert.Single(Mistakes.Find(CommandLine.Parse(Root, arguments)));

        // The root's name is that of the program that runs, here the tests.
        Assert.Equal(expected, mistake.Replace(Root.Name, "pinagent", StringComparison.Ordinal));
    }

    [Fact]
    public void A_misspelt_option_and_a_wrong_value_are_told_together()
    {
        var mistakes = Mistakes.Find(
            CommandLine.Parse(Root, ["run", "--mode", "loud", "--interval-s", "1"])
        );

        Assert.Equal(2, mistakes.Length);
        Assert.StartsWith("--mode: expected enforce|audit", mistakes[0]);
        Assert.StartsWith("run: no option \"--interval-s\"; did you mean --interval?", mistakes[1]);
    }

    [Fact]
    public void A_word_that_is_like_none_or_endless_is_near_to_nothing()
    {
        Assert.Null(NearMiss.Nearest("xyzzy", ["run", "status"]));
        Assert.Null(NearMiss.Nearest(new string('s', 1_000_000), ["status"]));
        Assert.Null(NearMiss.Nearest("-", ["--help", "-o"]));
        Assert.Equal("status", NearMiss.Nearest("STATUS", ["run", "status"]));
    }

    [Fact]
    public void A_name_that_begins_with_an_at_sign_is_a_name_and_no_file_of_arguments()
    {
        var parsed = CommandLine.Parse(Root, ["status", "--vm", "@db1"]);

        Assert.Empty(Mistakes.Find(parsed));
        Assert.Equal("@db1", parsed.GetValue<string>("--vm"));
    }
}
