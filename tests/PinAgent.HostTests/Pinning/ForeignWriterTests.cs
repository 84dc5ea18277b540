using PinAgent.HostTests.Harness;
using Xunit;

namespace PinAgent.HostTests.Pinning;

/// <summary>
/// The kernel tells who moves a pinned thread. The agent looks by itself once an hour only, so what it does, it does because
/// it was told.
/// </summary>
public sealed class ForeignWriterTests
{
    private const int Timeout = Patience.Hang;
    private readonly string _name = $"default_test-{Guid.NewGuid():N}";

    // tracefs in a mount namespace of the agent's own, where the machine hasn't mounted it.
    private static readonly string[] s_withTraceFolder =
    [
        "unshare",
        "--mount",
        "sh",
        "-c",
        "test -d /sys/kernel/tracing/events || mount -t tracefs tracefs /sys/kernel/tracing; exec \"$@\"",
        "sh",
    ];

    [Theory(Timeout = Timeout)]
    [InlineData("syscalls")]
    [InlineData("probes")]
    [Trait("also", "node")]
    public async Task A_vcpu_that_somebody_moves_is_put_back_and_he_is_named(string events)
    {
        Requires.Events(cpus: 2);
        Assert.SkipUnless(
            events == "syscalls" || Directory.Exists("/sys/bus/event_source/devices/kprobe"),
            "needs a kernel with kprobes"
        );
        using var cpuset = new Cpuset(Cpuset.PodPath(out _, out _), "0-1");
        await using var agent = AgentLoop.Through(
            s_withTraceFolder,
            "--vm",
            _name,
            "--interval",
            "3600",
            "--events",
            events
        );
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
}
