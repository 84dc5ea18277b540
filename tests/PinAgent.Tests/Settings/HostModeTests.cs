using System.CommandLine;
using PinAgent.Cli;
using PinAgent.Cli.Settings;
using PinAgent.Model.Node;
using PinAgent.Observe.Files;
using Xunit;

namespace PinAgent.Tests.Settings;

/// <summary>Which files may have threads of this machine moved.</summary>
public sealed class HostModeTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("pinagent-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [InlineData("/", true, "", AgentMode.Enforce)]
    [InlineData("/", false, "", AgentMode.Audit)]
    [InlineData("/.", true, "", AgentMode.Audit)]
    [InlineData("/.", true, "mode: enforce", AgentMode.Audit)]
    [InlineData("/.", true, "--mode enforce", AgentMode.Enforce)]
    [InlineData("/.", false, "--mode enforce", AgentMode.Audit)]
    [InlineData("/", true, "--mode audit", AgentMode.Audit)]
    [InlineData("/.", true, "--mode audit", AgentMode.Audit)]
    public void Another_root_is_only_reported_on_unless_the_call_itself_says_enforce(
        string root,
        bool isLive,
        string told,
        AgentMode expected
    )
    {
        var settings = $"{_folder}/config.yaml";
        File.WriteAllText(settings, told.Contains(':', StringComparison.Ordinal) ? told : "");
        var arguments = told.StartsWith("--", StringComparison.Ordinal) ? told : "";
        var parsed = new RootCommand { RunCommand.Create(), SettingsFile.Option }.Parse(
            $"run --config {settings} {arguments}"
        );
        Assert.Empty(parsed.Errors);
        using var files = new HostFiles(root);

        var mode = HostMode.Of(
            new LiveMode(parsed, RunCommand.Mode),
            files,
            isLive,
            RunCommand.Mode.IsOnCommandLine(parsed)
        )();

        Assert.Equal(expected, mode.Mode);
        Assert.Equal(
            expected == AgentMode.Audit && arguments != "--mode audit",
            mode.Message is not null
        );
    }
}
