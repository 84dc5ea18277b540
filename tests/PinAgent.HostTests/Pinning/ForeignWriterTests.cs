using PinAgent.HostTests.Harness;
using PinAgent.HostTests.Kubelet;
using Xunit;

namespace PinAgent.HostTests.Pinning;

/// <summary>
/// The kernel tells who moves a pinned thread. The agent that puts it back looks by itself once an hour only: what it does, it
/// does because it was told.
/// </summary>
public sealed class ForeignWriterTests
{
    private const int Timeout = Patience.Hang;
    private readonly string _name = $"default_test-{Guid.NewGuid():N}";

    [Theory(Timeout = Timeout)]
    [InlineData("syscalls")]
    [InlineData("probes")]
    [Trait("also", "node")]
    public async Task A_vcpu_that_somebody_moves_is_put_back_and_he_is_named(string events)
    {
        RequireEvents(events);
        using var cpuset = new Cpuset(Cpuset.PodPath(out _, out _), "0-1");
        await using var agent = Start(events, "3600");
        await agent.WaitForLogAsync("no running guest has this name");
        await using var guest = await Guest.StartAsync(_name, "1", cpuset);
        await agent.WaitForLogAsync("pinned within CPUs 0-1");
        var vcpu = (await guest.Monitor.VcpuThreadsAsync())[0];

        // In a guest's first seconds its manager isn't disturbed.
        var told = agent.WaitForLogAsync("taskset (pid");
        while (!told.IsCompleted)
        {
            await Threads.TasksetAsync(vcpu, "0-1");
        }

        Assert.Contains("had set other masks, back after", await told, StringComparison.Ordinal);
        Assert.Contains($"({vcpu}) from 0-1 to 0", await told, StringComparison.Ordinal);
    }

    /// <summary>The release's own masks are set by another process than the agent, too.</summary>
    [Theory(Timeout = Timeout)]
    [InlineData("syscalls")]
    [InlineData("probes")]
    public async Task What_is_given_back_isnt_put_back(string events)
    {
        RequireEvents(events);
        using var state = new TemporaryFolder();
        using var cpuset = new Cpuset(Cpuset.PodPath(out _, out _), "0-1");
        // The release waits until a pass has seen it.
        await using var agent = Start(events, "0.1", "--state-dir", state.Path);
        await agent.WaitForLogAsync("no running guest has this name");
        await using var guest = await Guest.StartAsync(_name, "1", cpuset);
        await agent.WaitForLogAsync("pinned within CPUs 0-1");
        var pinned = TimeProvider.System.GetUtcNow();
        var vcpu = (await guest.Monitor.VcpuThreadsAsync())[0];
        // It begins for 5 s, in which nothing is put back at once. Who moves it more than twice after that is a rival.
        await Until.HoldsAsync(
            () =>
                Task.FromResult(TimeProvider.System.GetUtcNow() - pinned > TimeSpan.FromSeconds(6)),
            () => Task.FromResult("the clock stands still")
        );
        var told = agent.WaitForLogAsync("taskset (pid");
        await Threads.TasksetAsync(vcpu, "0-1");
        await told;
        Assert.Equal("0", guest.Masks()[vcpu]);

        var release = await Agent.RunAsync(
            "release",
            "--socket",
            agent.Socket,
            "--state-dir",
            state.Path,
            "--vm",
            _name.Replace('_', '/')
        );

        Assert.Equal((0, ""), (release.ExitCode, release.StandardError));
        Assert.Equal("0-1", guest.Masks()[vcpu]);
        await Threads.TasksetAsync(vcpu, "1");
        Assert.Equal("1", guest.Masks()[vcpu]);
    }

    private static void RequireEvents(string events)
    {
        Requires.Events(cpus: 2);
        Assert.SkipUnless(
            events == "syscalls" || Directory.Exists("/sys/bus/event_source/devices/kprobe"),
            "needs a kernel with kprobes"
        );
    }

    private AgentLoop Start(string events, string interval, params string[] arguments) =>
        AgentLoop.Through(
            [.. AgentLoop.WithTraceFolder],
            ["--vm", _name, "--interval", interval, "--events", events, .. arguments]
        );
}
