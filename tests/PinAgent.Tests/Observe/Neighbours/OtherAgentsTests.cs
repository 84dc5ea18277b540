using Microsoft.Extensions.Time.Testing;
using PinAgent.Observe.Neighbours;
using Xunit;

namespace PinAgent.Tests.Observe.Neighbours;

/// <summary>Which other agents run on a machine.</summary>
public sealed class OtherAgentsTests : IDisposable
{
    private readonly FakeHost _host = new();
    private readonly FakeTimeProvider _time = new();
    private readonly OtherAgents _others;

    public OtherAgentsTests()
    {
        Process(100, "/usr/bin/pinagent", "run", "--standalone");
        _others = new OtherAgents(_host.Files, 100, _time);
    }

    public void Dispose() => _host.Dispose();

    [Fact]
    public void The_agent_itself_one_of_its_commands_and_a_program_of_a_like_name_are_no_others()
    {
        Process(101, "/usr/bin/pinagent", "status");
        Process(102, "/usr/bin/pinagent-run", "run");
        Process(103, "/usr/bin/bash", "run");
        new FakeProcess(_host, 104, "pinagent").Arguments("pinagent", "run");

        Assert.Null(_others.Look());
    }

    [Fact]
    public void Another_one_is_named_by_its_process_also_where_its_program_was_updated()
    {
        Process(101, "/opt/new/pinagent", "run", "--standalone");
        Process(102, "/usr/bin/pinagent (deleted)", "run");

        Assert.StartsWith("another pinagent runs here (pid 101, 102): ", _others.Look());
    }

    [Fact]
    public void Whoever_calls_his_programs_so_takes_neither_the_time_nor_the_room()
    {
        for (var pid = 200; pid < 260; pid++)
        {
            Process(pid, "/tmp/pinagent", "run");
        }

        Assert.StartsWith("another pinagent runs here (pid 200, 201, 202): ", _others.Look());
        Process(150, "/usr/bin/pinagent", "run");
        Assert.Contains("(pid 200,", _others.Look());

        _time.Advance(TimeSpan.FromSeconds(30));
        Assert.Contains("(pid 150, 200, 201)", _others.Look());
    }

    private void Process(int pid, string program, params string[] arguments) =>
        new FakeProcess(_host, pid, "pinagent")
            .Executable(program)
            .Arguments([program, .. arguments]);
}
