using PinAgent.HostTests.Harness;
using Xunit;

namespace PinAgent.HostTests.Pinning;

/// <summary>The agent's own threads beside a real guest's.</summary>
public sealed class OwnThreadsTests
{
    private const int Timeout = Patience.Hang;
    private readonly string _name = $"default_test-{Guid.NewGuid():N}";

    [Fact(Timeout = Timeout)]
    public async Task They_leave_the_vCPUs_CPU_are_not_moved_back_when_somebody_moves_them_and_return_afterwards()
    {
        Requires.RealGuests(cpus: 2);
        using var cpuset = new Cpuset(Cpuset.PodPath(out _, out _), "0-1");
        await using var agent = AgentLoop.Through(["taskset", "-c", "0-1"], "--vm", _name);
        await agent.WaitForLogAsync("mode enforce");
        Assert.Equal(["0-1"], Masks());

        await using (var guest = await Guest.StartAsync(_name, "1", cpuset))
        {
            await agent.WaitForLogAsync("pinned within CPUs 0-1");
            var vcpu = (await guest.Monitor.VcpuThreadsAsync())[0];
            Assert.Equal("0", guest.Masks()[vcpu]);
            Assert.Equal(["1"], Masks());
            Assert.DoesNotContain(
                $"(pid {agent.Pid},",
                (await agent.AskAsync()).StandardOutput,
                StringComparison.Ordinal
            );

            // Another pass with something to do: the vCPU is put back, and the agent's own thread isn't.
            await Threads.TasksetAsync(agent.Pid, "0");
            await Threads.TasksetAsync(vcpu, "1");
            await agent.WaitForLogAsync($"vcpu 0 ({vcpu}) from 1 to 0");
            Assert.Equal("0", Threads.Mask(agent.Pid, agent.Pid));
        }

        await agent.WaitForLogAsync("ended");
        Assert.Equal(["0-1"], Masks());

        IEnumerable<string> Masks() => Threads.Masks(agent.Pid).Values.Distinct();
    }

    [Fact(Timeout = Timeout)]
    public async Task One_that_only_reports_leaves_its_own_threads_alone()
    {
        Requires.RealGuests(cpus: 2);
        using var cpuset = new Cpuset(Cpuset.PodPath(out _, out _), "0-1");
        await using var agent = AgentLoop.Through(
            ["taskset", "-c", "0-1"],
            "--vm",
            _name,
            "--mode",
            "audit"
        );
        await using var guest = await Guest.StartAsync(_name, "1", cpuset);
        await agent.WaitForLogAsync("AuditMode");

        Assert.Equal(["0-1"], Threads.Masks(agent.Pid).Values.Distinct());
    }
}
