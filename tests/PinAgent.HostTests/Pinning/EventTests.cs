using System.Diagnostics;
using CliWrap;
using PinAgent.HostTests.Harness;
using Xunit;

namespace PinAgent.HostTests.Pinning;

/// <summary>
/// The kernel tells of new threads. The agents here look by themselves once an hour only, so what they do, they do because
/// they were told.
/// </summary>
public sealed class EventTests
{
    private const int Timeout = Patience.Hang;
    private readonly string _name = $"default_test-{Guid.NewGuid():N}";

    [Fact(Timeout = Timeout)]
    [Trait("also", "node")]
    public async Task A_guest_is_pinned_as_its_threads_get_their_names()
    {
        Requires.Events(cpus: 2);
        using var cpuset = new Cpuset(Cpuset.PodPath(out _, out _), "0-1");
        await using var agent = new AgentLoop("--vm", _name, "--interval", "3600");
        await agent.WaitForLogAsync("no running guest has this name");

        await using var guest = await Guest.StartAsync(_name, "1", cpuset, ioThreads: 1);
        await agent.WaitForLogAsync("pinned within CPUs 0-1");

        var vcpu = (await guest.Monitor.VcpuThreadsAsync())[0];
        Assert.Equal("0", guest.Masks()[vcpu]);
        var metrics = await agent.MetricsAsync();
        Assert.Contains("pinagent_event_source_lost 0", metrics, StringComparison.Ordinal);
        Assert.DoesNotContain("pinagent_pin_duration_seconds_count 0", metrics);
    }

    [Fact(Timeout = Timeout)]
    public async Task A_vcpu_is_where_it_belongs_before_the_others_exist()
    {
        Requires.Events(cpus: 2);
        using var cpuset = new Cpuset(Cpuset.PodPath(out _, out _), "0-1");
        await using var agent = new AgentLoop("--vm", _name, "--interval", "3600");
        await agent.WaitForLogAsync("no running guest has this name");

        // It will never have its vCPU 0: nothing is placed by a pass.
        await using var vm = await DummyVm.StartAsync(
            cpuset,
            ["-name", $"guest={_name}", "-smp", "2"],
            "CPU 1/KVM"
        );
        using var process = Process.GetProcessById(vm.Pid);
        var vcpu = Directory
            .EnumerateDirectories($"/proc/{vm.Pid}/task")
            .Single(task => File.ReadAllText($"{task}/comm") == "CPU 1/KVM\n");
        var named = Age();
        // A VM counts as starting for 10 s; the agent may need the last of them on a busy machine.
        while (Threads.Mask(vcpu) != "1")
        {
            Assert.SkipWhen(
                Age() > TimeSpan.FromSeconds(10) && named > TimeSpan.FromSeconds(5),
                "needs a machine that starts a program in less time"
            );
            Assert.True(Age() < Patience.HungWait, $"not pinned: {agent.Said}");
            TestContext.Current.CancellationToken.ThrowIfCancellationRequested();
            await Task.Yield();
        }

        Assert.Equal("0-1", Threads.Mask(vm.Pid, vm.Pid));

        TimeSpan Age() =>
            TimeProvider.System.GetUtcNow().UtcDateTime - process.StartTime.ToUniversalTime();
    }

    [Fact(Timeout = Timeout)]
    public async Task Without_the_right_to_listen_it_looks_and_says_so()
    {
        Requires.Events(cpus: 2);
        using var cpuset = new Cpuset(Cpuset.PodPath(out _, out _), "0-1");
        await using var agent = AgentLoop.Through(
            ["setpriv", "--bounding-set=-net_admin"],
            "--vm",
            _name
        );
        await agent.WaitForLogAsync("without CAP_NET_ADMIN");

        await using var guest = await Guest.StartAsync(_name, "1", cpuset);
        await agent.WaitForLogAsync("pinned within CPUs 0-1");
        Assert.Contains("pinagent_event_source_lost 1", await agent.MetricsAsync());
    }

    [Fact(Timeout = Timeout)]
    public async Task In_another_network_namespace_it_looks_and_says_so()
    {
        Requires.Events(cpus: 2);
        await using var agent = AgentLoop.Through(["unshare", "--net"], "--vm", _name);

        await agent.WaitForLogAsync("in the host's network namespace only");
    }

    [Fact(Timeout = Timeout)]
    [Trait("also", "node")]
    public async Task Names_that_were_lost_cost_nothing_but_a_look_at_everything()
    {
        Requires.Events(cpus: 2);
        using var cpuset = new Cpuset(Cpuset.PodPath(out _, out _), "0-1");
        await using var agent = new AgentLoop("--vm", _name, "--interval", "3600");
        await agent.WaitForLogAsync("no running guest has this name");

        // While the agent stands still, more names than the kernel keeps.
        await SignalAsync("STOP", agent.Pid);
        await using var guest = await Guest.StartAsync(_name, "1", cpuset);
        NameThisThread(30_000);
        await SignalAsync("CONT", agent.Pid);

        await agent.WaitForLogsAsync("More threads were named", "pinned within CPUs 0-1");
    }

    // Each writing of a name is told, be it the same as before. The kernel keeps some ten thousand for a slow reader.
    private static void NameThisThread(int times)
    {
        using var name = new FileStream(
            "/proc/thread-self/comm",
            FileMode.Open,
            FileAccess.Write,
            FileShare.ReadWrite,
            bufferSize: 0
        );
        for (var i = 0; i < times; i++)
        {
            name.Write("CPU 9/KVM"u8);
        }

        name.Write("was CPU 9"u8);
    }

    private static Task SignalAsync(string signal, int pid) =>
        Cli.Wrap("kill").WithArguments([$"-{signal}", $"{pid}"]).ExecuteAsync().Task;
}
