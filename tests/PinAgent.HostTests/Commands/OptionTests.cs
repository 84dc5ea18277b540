using System.Text.RegularExpressions;
using CliWrap;
using CliWrap.Buffered;
using PinAgent.HostTests.Harness;
using Xunit;

namespace PinAgent.HostTests.Commands;

/// <summary>
/// Commands that only look, called with values that are understood and make no sense: an answer or a line, never a stack
/// trace. What is refused at once is tested without processes.
/// </summary>
public sealed partial class OptionTests : IDisposable
{
    private const int Timeout = Patience.Hang;

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory(Timeout = Timeout)]
    [InlineData("plan")]
    [InlineData("topology")]
    [InlineData("detect")]
    [InlineData("validate", "-f", "nothing-there")]
    [InlineData("capacity", "--vcpus", "1")]
    [InlineData("explain", "--vm", "nobody")]
    [InlineData("prove", "--vm", "nobody")]
    [InlineData("release", "--undo", "--vm", "nobody")]
    [InlineData("report", "--output", "nowhere/nothing")]
    [InlineData("status")]
    public async Task An_answer_or_one_line(string command, params string[] needed)
    {
        var help = await Agent.RunAsync(command, "--help");
        var options = OptionName()
            .Matches(help.StandardOutput)
            .Select(match => match.Groups["name"].Value)
            .Where(option => option is not ("--help" or "--version" or "--watch"))
            .Distinct()
            .ToList();
        Assert.NotEmpty(options);
        foreach (var option in options)
        {
            foreach (var value in new[] { "-1", "nothing/there" })
            {
                string[] arguments = [command, .. needed, option, value];
                var result = await Cli.Wrap("env")
                    .WithArguments([
                        $"PINAGENT_SOCKET={_folder.Path}/none.sock",
                        $"PINAGENT_STATE_DIR={_folder.Path}",
                        Paths.Agent,
                        .. arguments,
                    ])
                    .WithWorkingDirectory(_folder.Path)
                    .WithValidation(CommandResultValidation.None)
                    .ExecuteBufferedAsync(TestContext.Current.CancellationToken);

                var call = string.Join(' ', arguments);
                Assert.True(result.ExitCode is >= 0 and <= 3, $"{call}: exit {result.ExitCode}");
                foreach (
                    var line in result.StandardError.Split(
                        '\n',
                        StringSplitOptions.RemoveEmptyEntries
                    )
                )
                {
                    Assert.True(
                        line.StartsWith("pinagent: ", StringComparison.Ordinal),
                        $"{call}: {line}"
                    );
                }
            }
        }
    }

    [GeneratedRegex(
        "^  (-., )*(?<name>--[a-z-]+)",
        RegexOptions.Multiline | RegexOptions.NonBacktracking | RegexOptions.ExplicitCapture
    )]
    private static partial Regex OptionName();
}
