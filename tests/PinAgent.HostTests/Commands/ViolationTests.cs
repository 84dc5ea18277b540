using CliWrap;
using PinAgent.HostTests.Harness;
using Xunit;

namespace PinAgent.HostTests.Commands;

/// <summary>The running agent tells who else may run on a real guest's CPUs.</summary>
public sealed class ViolationTests
{
    // The agent looks once a minute.
    private const int Timeout = Patience.Hang;
    private readonly string _name = $"default_test-{Guid.NewGuid():N}";

    [Fact(Timeout = Timeout)]
    public async Task A_process_allowed_on_a_vCPUs_CPU_is_a_stranger_until_it_goes()
    {
        Requires.RealGuests(cpus: 2);
        using var cpuset = new Cpuset(Cpuset.PodPath(out _, out _), "0-1");
        await using var guest = await Guest.StartAsync(_name, "1", cpuset);
        using var stop = new CancellationTokenSource();
        // It names those that have used the most CPU time, and on a busy machine there are others. Then it stands still.
        var stranger = Cli.Wrap("taskset")
            .WithArguments([
                "-c",
                "0",
                "bash",
                "-c",
                "echo -n stranger > /proc/$$/comm; for ((i = 0; i < 2000000; i++)); do :; done; kill -STOP $$",
            ])
            .WithValidation(CommandResultValidation.None)
            .ExecuteAsync(stop.Token);
        var told = $"stranger (pid {stranger.ProcessId}, 1 thread)";
        await using var agent = new AgentLoop("--vm", _name);
        await agent.WaitForLogsAsync("pinned within CPUs 0-1", "pinagent.sock");
        await using var watcher = new StatusWatcher(agent.Socket);

        await watcher.WaitAsync(status => IsTold(status, told));
        Assert.Contains(told, (await agent.AskAsync()).StandardOutput.Replace('\n', ' '));
        Assert.DoesNotContain(
            "pinagent_violations{kind=\"stranger\"} 0",
            await agent.MetricsAsync(),
            StringComparison.Ordinal
        );

        await stop.CancelAsync();
        await stranger.Task.ContinueWith(_ => { }, TaskScheduler.Default);

        await watcher.WaitAsync(status => !IsTold(status, told));
    }

    private static bool IsTold(Status status, string stranger) =>
        status
            .Violations("stranger")
            .Any(message => message.Contains(stranger, StringComparison.Ordinal));
}
