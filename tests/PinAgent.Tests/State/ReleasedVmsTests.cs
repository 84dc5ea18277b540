using PinAgent.State;
using Xunit;

namespace PinAgent.Tests.State;

/// <summary>The file by which <c>pinagent release</c> takes VMs from the agent.</summary>
public sealed class ReleasedVmsTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("state-").FullName;

    private string Path => $"{_folder}/released.json";

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void The_agent_sees_what_the_command_writes_and_takes_back()
    {
        var (agent, command) = (new ReleasedVms(Path), new ReleasedVms(Path));
        Assert.Empty(agent.Look());

        command.Change(["a/x", "b/y"], []);
        Assert.Equal(["a/x", "b/y"], agent.Look().Order());

        command.Change([], ["a/x"]);
        Assert.Equal(["b/y"], agent.Look());

        File.Delete(Path);
        Assert.Empty(agent.Look());
    }

    [Theory]
    [InlineData("{\"version\":1,\"vms\":[\"a/")]
    [InlineData("{\"version\":2,\"vms\":[\"b/y\"]}")]
    [InlineData("null")]
    public void A_file_that_cant_be_understood_is_said_and_changes_nothing(string content)
    {
        var agent = new ReleasedVms(Path);
        new ReleasedVms(Path).Change(["a/x"], []);
        Assert.Equal(["a/x"], agent.Look());

        File.WriteAllText(Path, content);

        Assert.Equal(["a/x"], agent.Look());
        Assert.StartsWith($"{Path}: ", agent.Problem);
        Assert.Throws<StateException>(() => new ReleasedVms(Path).Change(["c/z"], []));
        Assert.Equal(content, File.ReadAllText(Path));
    }
}
