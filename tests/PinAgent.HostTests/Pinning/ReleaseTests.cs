using PinAgent.HostTests.Harness;
using Xunit;

namespace PinAgent.HostTests.Pinning;

/// <summary><c>pinagent release</c>: what the agent took from a VM is given back, and it keeps its hands off.</summary>
public sealed class ReleaseTests : IDisposable
{
    private const int Timeout = Patience.Hang;

    private readonly string _state = Directory.CreateTempSubdirectory("state-").FullName;
    private readonly string _name = $"default_test-{Guid.NewGuid():N}";

    private string FullName => _name.Replace('_', '/');

    public void Dispose() => Directory.Delete(_state, recursive: true);

    [Fact(Timeout = Timeout)]
    public async Task Each_thread_gets_the_mask_it_had_and_the_agent_leaves_it_until_undone()
    {
        Requires.RealGuests(cpus: 2);
        using var cpuset = new Cpuset(Cpuset.PodPath(out _, out _), "0-1");
        await using var guest = await Guest.StartAsync(_name, "1", cpuset, ioThreads: 1);
        var vcpu = (await guest.Monitor.VcpuThreadsAsync())[0];
        await Threads.TasksetAsync(guest.Pid, "0");
        var before = guest.Masks();
        await using var agent = new AgentLoop("--vm", _name, "--state-dir", _state);
        await agent.WaitForLogAsync("pinned within CPUs 0-1");
        Assert.Equal(("0", "1"), (guest.Masks()[vcpu], guest.Masks()[guest.Pid]));

        var release = await ReleaseAsync(agent, "--vm", FullName);

        Assert.Equal((0, ""), (release.ExitCode, release.StandardError));
        Assert.Contains($"vcpu 0 ({vcpu}) from 0 to 0-1", release.StandardOutput);
        Assert.Equal(before, guest.Masks());
        var vm = new Vm(await StatusAsync(agent));
        Assert.Equal(
            ("Waiting", "Released", true),
            (vm.State, vm.Reason, (bool)vm.Json["released"]!)
        );
        Assert.Equal(before, guest.Masks());

        var undo = await ReleaseAsync(agent, "--vm", FullName, "--undo");
        Assert.Equal((0, ""), (undo.ExitCode, undo.StandardError));
        await agent.WaitForLogAsync("pinned within CPUs 0-1");
        Assert.Equal(("0", "1"), (guest.Masks()[vcpu], guest.Masks()[guest.Pid]));
    }

    [Fact(Timeout = Timeout)]
    public async Task Without_an_agent_the_pins_are_taken_off_all_the_same_and_the_next_one_heeds_it()
    {
        Requires.RealGuests(cpus: 2);
        using var cpuset = new Cpuset(Cpuset.PodPath(out _, out _), "0-1");
        await using var guest = await Guest.StartAsync(_name, "1", cpuset);
        var before = guest.Masks();
        await RunOnceAsync();
        Assert.NotEqual(before, guest.Masks());

        var release = await Agent.RunAsync([
            "release",
            "--socket",
            $"{_state}/none.sock",
            "--state-dir",
            _state,
            "--vm",
            $"{guest.Pid}",
        ]);

        Assert.Equal((0, ""), (release.ExitCode, release.StandardError));
        Assert.Equal(before, guest.Masks());
        var vm = (await RunOnceAsync()).Vm(guest);
        Assert.Equal(("Waiting", "Released"), (vm.State, vm.Reason));
        Assert.Equal(before, guest.Masks());
    }

    [Fact(Timeout = Timeout)]
    public async Task A_VM_that_was_given_back_by_one_form_of_its_name_is_taken_up_by_another()
    {
        Requires.RealGuests(cpus: 2);
        using var cpuset = new Cpuset(Cpuset.PodPath(out _, out _), "0-1");
        await using var guest = await Guest.StartAsync(_name, "1", cpuset);
        await RunOnceAsync();

        var release = await ReleaseAloneAsync("--vm", FullName.Split('/')[1]);
        Assert.Equal((0, ""), (release.ExitCode, release.StandardError));
        Assert.Equal("Released", (await RunOnceAsync()).Vm(guest).Reason);

        var undo = await ReleaseAloneAsync("--undo", "--vm", _name);
        Assert.Equal((0, ""), (undo.ExitCode, undo.StandardError));
        Assert.Equal("Pinned", (await RunOnceAsync()).Vm(guest).State);
    }

    [Fact(Timeout = Timeout)]
    public async Task A_mask_that_the_cpuset_has_lost_meanwhile_becomes_all_of_the_cpuset()
    {
        Requires.RealGuests(cpus: 2);
        using var cpuset = new Cpuset(Cpuset.PodPath(out _, out _), "0-1");
        await using var guest = await Guest.StartAsync(_name, "1", cpuset);
        var vcpu = (await guest.Monitor.VcpuThreadsAsync())[0];
        await Threads.TasksetAsync(vcpu, "1");
        await Threads.TasksetAsync(guest.Pid, "1");
        await RunOnceAsync();
        await File.WriteAllTextAsync(
            $"{cpuset.Folder}/cpuset.cpus",
            "0",
            TestContext.Current.CancellationToken
        );

        await Agent.RunAsync([
            "release",
            "--socket",
            $"{_state}/none.sock",
            "--state-dir",
            _state,
            "--vm",
            FullName,
        ]);

        Assert.All(guest.Masks().Values, mask => Assert.Equal("0", mask));
    }

    [Theory(Timeout = Timeout)]
    [InlineData(2, "expected either --all or --vm")]
    [InlineData(2, "expected either --all or --vm", "--all", "--vm", "x")]
    [InlineData(1, "no VM nobody runs here", "--vm", "nobody")]
    [InlineData(1, "nobody: not released; released are: none", "--vm", "nobody", "--undo")]
    public async Task A_wrong_call_is_told(int exit, string because, params string[] arguments)
    {
        var release = await Agent.RunAsync([
            "release",
            "--socket",
            $"{_state}/none.sock",
            "--state-dir",
            _state,
            .. arguments,
        ]);

        Assert.Equal(exit, release.ExitCode);
        Assert.Contains(because, release.StandardError, StringComparison.Ordinal);
        Assert.Single(release.StandardError.TrimEnd().Split('\n'));
    }

    private Task<CliWrap.Buffered.BufferedCommandResult> ReleaseAsync(
        AgentLoop agent,
        params string[] arguments
    ) => Agent.RunAsync(["release", "--socket", agent.Socket, "--state-dir", _state, .. arguments]);

    private Task<CliWrap.Buffered.BufferedCommandResult> ReleaseAloneAsync(
        params string[] arguments
    ) =>
        Agent.RunAsync([
            "release",
            "--socket",
            $"{_state}/none.sock",
            "--state-dir",
            _state,
            .. arguments,
        ]);

    private Task<Status> RunOnceAsync() => Agent.RunOnceAsync("--vm", _name, "--state-dir", _state);

    private async Task<System.Text.Json.Nodes.JsonNode> StatusAsync(AgentLoop agent)
    {
        var status = await agent.AskAsync("-o", "json", "--vm", FullName);
        Assert.True(status.ExitCode == 0, status.StandardError);
        return System.Text.Json.Nodes.JsonNode.Parse(status.StandardOutput)!;
    }
}
