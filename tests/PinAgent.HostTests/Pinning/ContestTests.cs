using PinAgent.HostTests.Harness;
using Xunit;

namespace PinAgent.HostTests.Pinning;

/// <summary>A real QEMU guest, the agent, and another program that keeps setting the guest's masks.</summary>
public sealed class ContestTests : IDisposable
{
    private const int Timeout = Patience.Hang;

    private readonly string _state = Directory.CreateTempSubdirectory("state-").FullName;
    private readonly string _name = $"default_test-{Guid.NewGuid():N}";

    public void Dispose() => Directory.Delete(_state, recursive: true);

    [Fact(Timeout = Timeout)]
    public async Task A_placement_as_good_is_adopted_and_held_against_others()
    {
        Requires.RealGuests(cpus: 2);
        using var cpuset = new Cpuset(Cpuset.PodPath(out _, out _), "0-1");
        await using var guest = await Guest.StartAsync(_name, "1", cpuset);
        await using var agent = new AgentLoop("--vm", _name, "--state-dir", _state);
        await agent.WaitForLogAsync("pinned within CPUs 0-1");
        var vcpu = (await guest.Monitor.VcpuThreadsAsync())[0];
        Assert.Equal(("0", "1"), (guest.Masks()[vcpu], guest.Masks()[guest.Pid]));

        await using (new OtherWriter(vcpu, "1"))
        {
            var line = await agent.WaitForLogAsync("it's held from now on");
            Assert.Contains($"vcpu 0 ({vcpu}) to 1 instead of 0", line);
        }

        await Threads.TasksetAsync(vcpu, "0");
        await agent.WaitForLogAsync($"vcpu 0 ({vcpu}) from 0 to 1");
        Assert.Equal(("1", "0"), (guest.Masks()[vcpu], guest.Masks()[guest.Pid]));
        var status = await agent.AskAsync("--vm", _name);
        Assert.Contains("Pinned", status.StandardOutput);
        Assert.Contains("another program kept setting", status.StandardOutput);
        Assert.Contains("it's held from now on", await ExplainAsync());
    }

    [Fact(Timeout = Timeout)]
    public async Task What_is_no_placement_is_left_alone_across_a_restart_and_pinned_again_once_the_other_stops()
    {
        Requires.RealGuests(cpus: 2);
        using var cpuset = new Cpuset(Cpuset.PodPath(out _, out _), "0-1");
        await using var guest = await Guest.StartAsync(_name, "1", cpuset);
        var vcpu = (await guest.Monitor.VcpuThreadsAsync())[0];
        await using (var agent = new AgentLoop("--vm", _name, "--state-dir", _state))
        {
            await agent.WaitForLogAsync("pinned within CPUs 0-1");
            await using var other = new OtherWriter(vcpu, "0-1");
            var line = await agent.WaitForLogAsync("AnotherWriter");
            Assert.Contains($"vcpu 0 ({vcpu}) to 0-1 instead of 0", line);

            // Put back three times, and not once more.
            Assert.Contains("\npinagent_drift_repairs_total 3\n", await agent.MetricsAsync());
            Assert.Contains(
                "pinagent_unpinned_vms{reason=\"AnotherWriter\"} 1",
                await agent.MetricsAsync()
            );
            await agent.StopAsync("KILL");
        }

        await using var next = new AgentLoop("--vm", _name, "--state-dir", _state);
        await next.WaitForLogAsync("AnotherWriter");
        Assert.Equal("0-1", guest.Masks()[vcpu]);

        await next.WaitForLogAsync($"vcpu 0 ({vcpu}) from 0-1 to 0");
        Assert.Equal("0", guest.Masks()[vcpu]);
        Assert.Contains("another program undid the pins each time", await ExplainAsync());
    }

    private async Task<string> ExplainAsync() =>
        (await Agent.RunAsync("explain", "--state-dir", _state, "--vm", _name)).StandardOutput;

    /// <summary>Another program that keeps setting a thread's mask. Once disposed, it has set the last one.</summary>
    private sealed class OtherWriter : IAsyncDisposable
    {
        private readonly CancellationTokenSource _stop = new();
        private readonly Task _run;

        public OtherWriter(int tid, string cpus) => _run = RunAsync(tid, cpus);

        public async ValueTask DisposeAsync()
        {
            await _stop.CancelAsync();
            await _run;
            _stop.Dispose();
        }

        private async Task RunAsync(int tid, string cpus)
        {
            while (!_stop.IsCancellationRequested)
            {
                await Threads.TasksetAsync(tid, cpus);
            }
        }
    }
}
