using PinAgent.Model.Kubernetes;
using PinAgent.Model.Vm;
using PinAgent.Plan.Dedication;
using PinAgent.State;
using Xunit;
using static PinAgent.Tests.Plan.Dedication.ClusterNode;

namespace PinAgent.Tests.Plan.Dedication;

public sealed class DecisionTests : IDisposable
{
    private readonly ClusterNode _node = new();
    private readonly FakeHost _host = new();

    private string Path => _host.PathOf("/run/pinagent/remembered.json");

    public void Dispose() => _host.Dispose();

    [Fact]
    public void What_the_api_told_is_remembered_when_it_no_longer_does()
    {
        _node.Run(100, "p1", "2-4").Tell([Launcher("p1", "vm1", "3")], Isolated("vm1")).Pass();
        var vm = _node.WithoutApi().Pass();

        Assert.Equal(FactSource.Remembered, vm.Source);
        Assert.Equal(("default", "vm1"), (vm.Namespace, vm.Name));
        Assert.True(vm is { Dedicated: true, IsolateEmulatorThread: true, Placement: not null });
    }

    [Fact]
    public void Between_the_labels_of_a_migrations_handover_nothing_changes()
    {
        _node.Run(100, "p1").Tell([Launcher("p1", "vm1")], Vmi("vm1")).Pass();

        Assert.True(
            _node.Tell([Launcher("p1", "vm1")]).Pass() is { Dedicated: true, Obstacle: null }
        );
    }

    [Fact]
    public void A_restarted_container_is_another_of_which_nothing_is_remembered()
    {
        _node.Run(100, "p1").Tell([Launcher("p1", "vm1")], Vmi("vm1")).Pass();
        _node.End(100).Run(200, "p1", container: "p1-c2").WithoutApi();

        Assert.Equal(Reason.ApiUnanswered, _node.Pass(200).Obstacle!.Reason);
    }

    [Fact]
    public void Containers_that_are_gone_are_forgotten_once_the_api_says_so()
    {
        _node.Run(100, "p1").Tell([Launcher("p1", "vm1")], Vmi("vm1")).Pass();

        // Not seen for a moment, or while the API is away: it may come back.
        _node.End(100).Run(200, "p2", "6-7").Pass(200);
        Assert.NotNull(_node.Decisions.Find(new("p1", "p1-c1")));

        _node.Tell([Launcher("p2", "vm2")], Vmi("vm2")).Pass(200);
        Assert.Null(_node.Decisions.Find(new("p1", "p1-c1")));
    }

    [Fact]
    public void A_restarted_agent_goes_on_with_what_was_told_to_the_one_before()
    {
        _node.Run(100, "p1", "2-4").Tell([Launcher("p1", "vm1", "3")], Isolated("vm1")).Pass();
        new DecisionMemory(Path).Keep(_node.Decisions);

        var memory = new DecisionMemory(Path);
        var later = new ClusterNode { Decisions = memory.Load() };
        var vm = later.WithoutApi().Run(100, "p1", "2-4").Pass();

        Assert.Null(memory.Problem);
        Assert.Equal(FactSource.Remembered, vm.Source);
        Assert.Equal(("default", "vm1"), (vm.Namespace, vm.Name));
        Assert.True(vm is { Dedicated: true, IsolateEmulatorThread: true, Placement: not null });
    }

    [Fact]
    public void A_restarted_agent_knows_whom_not_to_touch()
    {
        _node.Run(100, "p1").Tell([Launcher("p1", "vm1")], Vmi("vm1", false)).Pass();
        new DecisionMemory(Path).Keep(_node.Decisions);

        var later = new ClusterNode { Decisions = new DecisionMemory(Path).Load() };
        var vm = later.WithoutApi().Run(100, "p1", masks: ["2", "3"]).Pass();

        Assert.Equal(FactSource.Remembered, vm.Source);
        Assert.Equal(Reason.DedicatedCpusNotRequested, vm.Obstacle!.Reason);
    }

    [Fact]
    public void What_was_inferred_dedicated_stays_so_for_a_restarted_agent()
    {
        _node.Run(100, "p1", masks: ["2", "3"]).WithoutApi().Pass();
        new DecisionMemory(Path).Keep(_node.Decisions);

        var later = new ClusterNode { Decisions = new DecisionMemory(Path).Load() };
        var vm = later.WithoutApi().Run(100, "p1").Pass();

        Assert.True(vm is { Source: FactSource.Inferred, Dedicated: true });
    }

    [Fact]
    public void The_file_is_written_only_when_something_has_changed()
    {
        var memory = new DecisionMemory(Path);
        memory.Keep(Decisions.None);
        Assert.False(File.Exists(Path));

        _node.Run(100, "p1").Tell([Launcher("p1", "vm1")], Vmi("vm1")).Pass();
        memory.Keep(_node.Decisions);
        File.Delete(Path);
        _node.Pass();
        memory.Keep(_node.Decisions);
        Assert.False(File.Exists(Path));

        _node
            .Run(200, "p2", "6-7")
            .Tell([Launcher("p1", "vm1"), Launcher("p2", "vm2")], Vmi("vm1"), Vmi("vm2"));
        _node.Pass();
        memory.Keep(_node.Decisions);
        Assert.True(File.Exists(Path));
        Assert.False(File.Exists(Path + ".new"));
    }

    [Theory]
    [InlineData("")]
    [InlineData("{\"version\":1,\"vms\":[{\"podUid\":\"p1\",\"conta")]
    [InlineData(
        "{\"version\":2,\"vms\":[{\"podUid\":\"p1\",\"containerId\":\"p1-c1\",\"dedicated\":true}]}"
    )]
    [InlineData("{\"version\":1,\"vms\":7}")]
    [InlineData("null")]
    [InlineData("\0\0\0\0")]
    public void A_torn_or_newer_file_is_ignored_and_said_so(string content)
    {
        _host.Write("/run/pinagent/remembered.json", content);
        var memory = new DecisionMemory(Path);

        Assert.Empty(memory.Load().All);
        Assert.StartsWith($"{Path}: ", memory.Problem, StringComparison.Ordinal);
        Assert.EndsWith("nothing is remembered", memory.Problem, StringComparison.Ordinal);
    }

    [Fact]
    public void Entries_that_make_no_sense_cost_only_themselves()
    {
        _host.Write(
            "/run/pinagent/remembered.json",
            """
            {"version":1,"future":true,"vms":[null,{},{"podUid":"p1"},
              {"podUid":"p2","containerId":"c2","dedicated":true,"name":"vm2","namespace":"default"},
              {"podUid":"p2","containerId":"c2"}]}
            """
        );

        var (container, decision) = Assert.Single(new DecisionMemory(Path).Load().All);
        Assert.Equal(new ContainerKey("p2", "c2"), container);
        Assert.True(decision is { Dedicated: true, Vmi.Name: "vm2" });
    }

    [Fact]
    public void A_folder_that_cant_be_written_is_said_and_hinders_nothing()
    {
        _host.Write("/run", "a file");
        _node.Run(100, "p1").Tell([Launcher("p1", "vm1")], Vmi("vm1")).Pass();
        var memory = new DecisionMemory(Path);

        memory.Keep(_node.Decisions);

        Assert.Contains("can't be written", memory.Problem, StringComparison.Ordinal);
    }

    private static VmiFacts Isolated(string name) =>
        Vmi(name).Asking(spec => spec with { IsolateEmulatorThread = true });
}
