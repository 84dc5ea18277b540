using PinAgent.Cli;
using PinAgent.Cli.Completion;
using Xunit;

namespace PinAgent.Tests.Cli;

/// <summary>What a shell is offered; that shells do take it is tested with real ones.</summary>
public sealed class CompletionTests
{
    [Theory]
    [InlineData("st", "status")]
    [InlineData("status --sta", "--state")]
    [InlineData("status --state pinn", "Pinned")]
    [InlineData("status -o ", "json table")]
    [InlineData("status --probe ", "live ready")]
    [InlineData("status --watch --pro", "--probe")]
    [InlineData("top --sort ", "cpu moves pain vm")]
    [InlineData("top -o ", "json table")]
    [InlineData("top --sort=p", "--sort=pain")]
    [InlineData("top --every --so", "")]
    [InlineData("run --mode ", "audit enforce")]
    [InlineData("run --tcp ", "off")]
    [InlineData("--host-root / sta", "status")]
    [InlineData("completion ", "bash fish zsh")]
    [InlineData("help prov", "prove")]
    [InlineData("explain --vm ", "default/vm1 host/db")]
    [InlineData("explain --vm host", "host/db")]
    [InlineData("validate ", "")]
    [InlineData("status --vm=d", "--vm=default/vm1")]
    [InlineData("nothing of the kind --w", "")]
    public void Offered_is_what_can_stand_there(string line, string expected)
    {
        Assert.Equal(expected, string.Join(' ', Offered(line).Select(one => one.Word)));
    }

    [Fact]
    public void Every_command_and_option_is_offered_once_with_a_line_about_it()
    {
        var root = CommandLine.Create(80);

        Assert.Equal(
            root.Subcommands.Select(command => command.Name).Order(StringComparer.Ordinal),
            Offered("").Select(one => one.Word)
        );
        foreach (var line in root.Subcommands.Select(command => $"{command.Name} -"))
        {
            var options = Offered(line);
            Assert.Contains(options, one => one.Word == "--host-root");
            Assert.All(
                options.Concat(Offered("")),
                one =>
                {
                    Assert.InRange(one.Meaning.Length, 1, 70);
                    Assert.DoesNotContain(one.Meaning, char.IsControl);
                }
            );
        }
    }

    [Theory]
    [InlineData("host/db1", true)]
    [InlineData("prod/web-1.example_x", true)]
    [InlineData("host/$(reboot)", false)]
    [InlineData("host/a;b", false)]
    [InlineData("host/a b", false)]
    [InlineData("-rf", false)]
    [InlineData("host/a\nb", false)]
    [InlineData("host/db1\n", false)]
    [InlineData("host/~", false)]
    public void A_name_that_a_shell_takes_for_something_else_is_left_out(string name, bool plain)
    {
        Assert.Equal(plain, CompletionCommand.IsPlain(name));
    }

    private static IReadOnlyList<Candidate> Offered(string line) =>
        WordsToComplete.Of(
            CommandLine.Create(80),
            line.Split(' '),
            () => ["host/db", "default/vm1"]
        );
}
