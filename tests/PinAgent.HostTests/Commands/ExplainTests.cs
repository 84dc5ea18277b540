using System.Text.Json.Nodes;
using PinAgent.HostTests.Harness;
using Xunit;

namespace PinAgent.HostTests.Commands;

/// <summary><c>pinagent explain</c>: what happened to a real guest, and why, across the agent's restarts.</summary>
public sealed class ExplainTests : IDisposable
{
    private const int Timeout = Patience.Hang;

    private readonly string _state = Directory.CreateTempSubdirectory("state-").FullName;
    private readonly string _name = $"default_test-{Guid.NewGuid():N}";

    public void Dispose() => Directory.Delete(_state, recursive: true);

    [Fact(Timeout = Timeout)]
    public async Task Each_change_is_told_with_old_and_new_mask_and_its_cause()
    {
        Requires.RealGuests(cpus: 2);
        using var cpuset = new Cpuset(Cpuset.PodPath(out _, out _), "0-1");
        await using var guest = await Guest.StartAsync(_name, "1", cpuset);
        var vcpu = (await guest.Monitor.VcpuThreadsAsync())[0];
        await using (var agent = new AgentLoop("--vm", _name, "--state-dir", _state))
        {
            await agent.WaitForLogAsync("pinned within CPUs 0-1");
            await Threads.TasksetAsync(vcpu, "1");
            await agent.WaitForLogAsync($"vcpu 0 ({vcpu}) from 1 to 0");
            await Threads.TasksetAsync(vcpu, "0-1");
            await agent.WaitForLogAsync($"vcpu 0 ({vcpu}) from 0-1 to 0");
            await File.WriteAllTextAsync(
                $"{cpuset.Folder}/cpuset.cpus",
                "1",
                TestContext.Current.CancellationToken
            );
            // A newer kernel puts the threads right by itself, so the log may have nothing to tell.
            while ((string?)(await ExplainAsync("--vm", _name))[^1]["cause"] != "CpusetChanged")
            {
                await Task.Delay(50, TestContext.Current.CancellationToken);
            }

            await agent.StopAsync("KILL");
        }

        await using (var second = new AgentLoop("--vm", _name, "--state-dir", _state))
        {
            await second.WaitForLogAsync("pinned within CPUs 1");
            await second.StopAsync("TERM");
        }

        var changes = await ExplainAsync("--vm", _name);

        Assert.Equal(
            ["Met", "MasksSet", "MasksSet", "CpusetChanged", "Met"],
            changes.Select(change => (string?)change["cause"])
        );
        Assert.Equal(
            ["Begun", "Repaired", "Repaired", "IsolationLost", "Begun"],
            changes.Select(change => (string?)change["kind"])
        );
        var set = changes[1]["threads"]![0]!;
        Assert.Equal(
            ("vcpu", 0, "1", "0"),
            ((string)set["role"]!, (int)set["index"]!, (string)set["from"]!, (string)set["to"]!)
        );
        Assert.True((double)changes[1]["unpinnedSecondsAtMost"]! > 0);
        Assert.Equal(
            ("0-1", "1"),
            ((string)changes[3]["cpusetBefore"]!, (string)changes[3]["cpuset"]!)
        );

        var told = await Agent.RunAsync("explain", "--state-dir", _state, "--vm", $"{guest.Pid}");
        Assert.Contains($"vcpu 0 ({vcpu}) from 1 to 0", told.StandardOutput);
        Assert.Contains("its cpuset changed from 0-1 to 1", told.StandardOutput);
        Assert.Contains("off its CPUs for at most", told.StandardOutput);
    }

    [Fact(Timeout = Timeout)]
    public async Task That_a_guest_starts_is_one_entry_however_early_it_was_seen()
    {
        Requires.Events(cpus: 2);
        using var cpuset = new Cpuset(Cpuset.PodPath(out _, out _), "0-1");
        await using var agent = new AgentLoop("--vm", _name, "--state-dir", _state);
        await agent.WaitForLogAsync("no running guest has this name");
        await using var guest = await Guest.StartAsync(_name, "1", cpuset, ioThreads: 1);
        await agent.WaitForLogAsync("pinned within CPUs 0-1");
        await agent.StopAsync("TERM");

        Assert.Equal(
            ["Begun"],
            (await ExplainAsync("--vm", _name)).Select(change => (string?)change["kind"])
        );
    }

    [Theory(Timeout = Timeout)]
    [InlineData(1, "nothing is on record", "--vm", "nobody")]
    [InlineData(2, "expected a time like", "--vm", "x", "--since", "yesterday")]
    [InlineData(2, "--vm")]
    public async Task A_call_without_an_answer_says_why(
        int exit,
        string because,
        params string[] arguments
    )
    {
        var told = await Agent.RunAsync(["explain", "--state-dir", _state, .. arguments]);

        Assert.Equal(exit, told.ExitCode);
        Assert.Contains(because, told.StandardError, StringComparison.Ordinal);
    }

    private async Task<List<JsonNode>> ExplainAsync(params string[] arguments)
    {
        var told = await Agent.RunAsync([
            "explain",
            "--state-dir",
            _state,
            "-o",
            "json",
            .. arguments,
        ]);
        Assert.True(told.ExitCode == 0, told.StandardError);
        var changes = JsonNode
            .Parse(told.StandardOutput)!
            .AsArray()
            .Select(change => change!)
            .ToList();
        Assert.Equal("AgentStarted", (string?)changes[0]["kind"]);
        // What is around the guest on the machine that runs the tests is no matter here.
        return
        [
            .. changes.Where(change =>
                (int)change["pid"]! != 0 && (string?)change["cause"] != "Neighbours"
            ),
        ];
    }
}
