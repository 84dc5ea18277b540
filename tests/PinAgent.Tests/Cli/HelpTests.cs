using System.CommandLine;
using PinAgent.Cli;
using Xunit;

namespace PinAgent.Tests.Cli;

/// <summary>Every page of the help in 80 columns: no line is longer, and no word is torn.</summary>
public sealed class HelpTests
{
    private const int Width = 80;

    // An option's default may be as long as a name of a host: that is of this machine, and not of the page.
    private static readonly RootCommand Narrow = CommandLine.Create(Width);
    private static readonly RootCommand Wide = CommandLine.Create(10_000);

    public static TheoryData<string> Commands =>
        ["", .. Narrow.Subcommands.Select(command => command.Name)];

    [Theory]
    [MemberData(nameof(Commands))]
    public async Task A_page_fits_into_80_columns_with_every_word_whole(string command)
    {
        var narrow = await HelpAsync(Narrow, command, "--help");
        var wide = await HelpAsync(Wide, command, "--help");

        Assert.All(narrow.Split('\n'), line => Assert.InRange(line.TrimEnd().Length, 0, Width));
        Assert.Equal(Words(wide), Words(narrow));
        Assert.Contains("Usage:", narrow, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Help_is_a_command_and_tells_of_one()
    {
        Assert.Equal(
            Words(await HelpAsync(Narrow, "run", "--help")),
            Words(await HelpAsync(Narrow, "help", "run"))
        );
        Assert.Equal(
            Words(await HelpAsync(Narrow, "--help")),
            Words(await HelpAsync(Narrow, "help"))
        );
    }

    // Two columns side by side have their words in another order than one below the other: only which there are counts.
    private static IEnumerable<string> Words(string page) =>
        page.Split((char[])[' ', '\n'], StringSplitOptions.RemoveEmptyEntries)
            .Order(StringComparer.Ordinal);

    private static async Task<string> HelpAsync(RootCommand root, params string[] arguments)
    {
        await using var output = new StringWriter();
        await CommandLine
            .Parse(root, [.. arguments.Where(argument => argument.Length > 0)])
            .InvokeAsync(
                new InvocationConfiguration { Output = output },
                TestContext.Current.CancellationToken
            );
        return output.ToString();
    }
}
