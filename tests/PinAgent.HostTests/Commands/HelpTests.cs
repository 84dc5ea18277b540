using PinAgent.HostTests.Harness;
using Xunit;

namespace PinAgent.HostTests.Commands;

/// <summary>What a person reads first.</summary>
public sealed class HelpTests
{
    [Theory(Timeout = Patience.Hang)]
    [InlineData("run")]
    [InlineData("status")]
    [InlineData("plan")]
    [InlineData("topology")]
    [InlineData("detect")]
    [InlineData("validate")]
    [InlineData("capacity")]
    [InlineData("doctor")]
    [InlineData("report")]
    [InlineData("release")]
    [InlineData("explain")]
    [InlineData("prove")]
    [InlineData("top")]
    [InlineData("completion")]
    public async Task Every_command_has_help_with_an_example_and_each_option_once(string command)
    {
        var help = await Agent.RunAsync(command, "--help");

        Assert.Equal((0, ""), (help.ExitCode, help.StandardError));
        Assert.Contains("Example:", help.StandardOutput, StringComparison.Ordinal);
        var options = help
            .StandardOutput.Split('\n')
            .Select(line => line.Trim())
            .Where(line => line.StartsWith('-'))
            .ToList();
        Assert.Equal(options.Distinct(), options);
    }
}
