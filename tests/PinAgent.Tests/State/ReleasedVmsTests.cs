using PinAgent.Model.Vm;
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

        command.Change([Vm("x", 1), Vm("y", 2)], []);
        Assert.Equal([Key(1), Key(2)], agent.Look().OrderBy(key => key.Pid));
        Assert.Equal(["a/x", "a/y"], command.Load().Select(vm => vm.FullName));

        command.Change([], [Vm("x", 1)]);
        Assert.Equal([Key(2)], agent.Look());

        File.Delete(Path);
        Assert.Empty(agent.Look());
    }

    [Fact]
    public void A_VM_is_its_process_and_whoever_has_its_name_isnt_released_nor_takes_the_release_away()
    {
        var command = new ReleasedVms(Path);
        command.Change([Vm("x", 1)], []);

        // The same process id at another time, and another process of the same name.
        command.Change([], [Vm("x", 1, start: 99), Vm("x", 7)]);

        Assert.Equal([Key(1)], new ReleasedVms(Path).Look());
    }

    [Theory]
    [InlineData("{\"version\":2,\"vms\":[\"a/")]
    [InlineData("{\"version\":2,\"vms\":[\"b/y\"]}")]
    [InlineData("{\"version\":1,\"vms\":[\"b/y\"]}")]
    [InlineData("{\"version\":3,\"vms\":[]}")]
    [InlineData("null")]
    public void A_file_that_cant_be_understood_is_said_and_changes_nothing(string content)
    {
        var agent = new ReleasedVms(Path);
        new ReleasedVms(Path).Change([Vm("x", 1)], []);
        Assert.Equal([Key(1)], agent.Look());

        File.WriteAllText(Path, content);

        Assert.Equal([Key(1)], agent.Look());
        Assert.StartsWith($"{Path}: ", agent.Problem);
        Assert.Throws<StateException>(() => new ReleasedVms(Path).Change([Vm("z", 3)], []));
        Assert.Equal(content, File.ReadAllText(Path));
    }

    [Fact]
    public void A_link_in_its_place_is_said_and_changes_nothing()
    {
        var agent = new ReleasedVms(Path);
        new ReleasedVms(Path).Change([Vm("x", 1)], []);
        Assert.Equal([Key(1)], agent.Look());

        File.Delete(Path);
        File.CreateSymbolicLink(Path, "/dev/zero");

        Assert.Equal([Key(1)], agent.Look());
        Assert.Contains("found a link", agent.Problem, StringComparison.Ordinal);
    }

    private static VmKey Key(int pid) => new(pid, 10);

    private static ReleasedVm Vm(string name, int pid, ulong start = 10) =>
        new()
        {
            Namespace = "a",
            Name = name,
            Key = new VmKey(pid, start),
        };
}
