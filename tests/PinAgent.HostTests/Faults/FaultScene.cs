using System.Globalization;
using System.Net.Sockets;
using PinAgent.HostTests.Harness;
using PinAgent.HostTests.Kubelet;
using Xunit;

namespace PinAgent.HostTests.Faults;

/// <summary>
/// A real guest that the agent has pinned, strangers that it must leave alone, and what else happens on a node: guests and
/// programs that come and go, a thread that somebody moves, a kubelet's checkpoint that is replaced, and somebody who asks.
/// What the kernel says of the threads is what counts.
/// </summary>
internal sealed class FaultScene : IAsyncDisposable
{
    /// <summary>What the agent promises, in KiB.</summary>
    private const int MostResident = 64 << 10;

    // How long a VM's manager may still be at work, as the agent sees it.
    private static readonly TimeSpan Beginning = TimeSpan.FromSeconds(5);

    // USER_HZ.
    private const double TicksPerSecond = 100;

    // What it may have open besides, at a moment at which it does something.
    private const int Passing = 16;

    private readonly TemporaryFolder _kubelet = new();
    private readonly Cpuset _cpuset = new(Cpuset.PodPath(out _, out _), "0-1");
    private readonly Cpuset _strangersCpuset = new($"/pinagent-strangers-{Guid.NewGuid():N}", null);
    private readonly List<int> _strangersThreads = [];
    private Guest? _guest;
    private DummyVm? _strangers;
    private AgentLoop? _agent;
    private IReadOnlyDictionary<int, string> _pins = new Dictionary<int, string>();
    private int _descriptors;
    private int _moved;

    private FaultScene() { }

    /// <summary>The guest's name.</summary>
    public string Name { get; } = $"default_test-{Guid.NewGuid():N}";

    /// <summary>The agent.</summary>
    public AgentLoop Agent => _agent!;

    /// <summary>What every agent here is started with.</summary>
    public string[] Arguments =>
        ["--vm", Name, "--kubelet-root", _kubelet.Path, "--interval", "0.02"];

    /// <summary>Starts everybody, and waits until the guest is pinned.</summary>
    public static async Task<FaultScene> StartAsync()
    {
        var scene = new FaultScene();
        try
        {
            scene._guest = await Guest.StartAsync(scene.Name, "1", scene._cpuset, ioThreads: 4);
            scene._strangers = await DummyVm.StartAsync(
                scene._strangersCpuset,
                ["-name", $"guest=stranger-{Guid.NewGuid():N}", "-smp", "2"],
                "CPU 0/KVM;CPU 1/KVM;IO iothread1"
            );
            foreach (var folder in Directory.GetDirectories($"/proc/{scene._strangers.Pid}/task"))
            {
                if (
                    (await File.ReadAllTextAsync($"{folder}/comm")).StartsWith(
                        "CPU ",
                        StringComparison.Ordinal
                    )
                )
                {
                    var tid = int.Parse(Path.GetFileName(folder), CultureInfo.InvariantCulture);
                    await Threads.TasksetAsync(tid, "1");
                    scene._strangersThreads.Add(tid);
                }
            }

            scene._agent = new AgentLoop(scene.Arguments);
            await scene._agent.WaitForLogAsync("pinned within CPUs 0-1");
            // Until then the agent takes a thread that is moved for its manager's work, and lets it be.
            await Until.HoldsAsync(
                () => Task.FromResult(Age(scene._guest.Pid) > Beginning),
                () => Task.FromResult("the guest has begun just now")
            );
            scene._pins = await scene.LookAsync();
            scene._descriptors = Descriptors(scene._agent.Pid);
            return scene;
        }
        catch
        {
            await scene.DisposeAsync();
            throw;
        }
    }

    /// <summary>What happens on a node in a short while.</summary>
    public async Task LiveAsync()
    {
        await MoveThreadAsync();
        using var other = new Cpuset(Cpuset.PodPath(out _, out _), "0-1");
        await using (
            var guest = await Guest.StartAsync($"default_visitor-{Guid.NewGuid():N}", "2", other)
        )
        {
            Judge();
            await AskAsync("/api/v1/status");
            await AskAsync("/metrics");
        }

        await File.WriteAllTextAsync(
            $"{_kubelet.Path}/.new",
            """{"policyName":"none","defaultCpuSet":"","checksum":1353318690}""",
            TestContext.Current.CancellationToken
        );
        File.Move($"{_kubelet.Path}/.new", $"{_kubelet.Path}/cpu_manager_state", overwrite: true);
        await using (
            var program = await DummyVm.StartAsync(other, ["-smp", "1"], "CPU 0/KVM;worker")
        )
        {
            Judge();
            await AskAsync("/");
        }
    }

    /// <summary>Moves one of the guest's threads by hand, each time another's, and waits until it's back.</summary>
    public async Task MoveThreadAsync()
    {
        var tid = _pins.Keys.Order().ElementAt(_moved++ % _pins.Count);
        await Threads.TasksetAsync(tid, _pins[tid] == "0" ? "1" : "0");
        await Until.EqualAsync(
            _pins[tid],
            () =>
            {
                Assert.False(Agent.HasEnded, EndOf(Agent));
                return Task.FromResult(Threads.Mask(_guest!.Pid, tid));
            }
        );
    }

    /// <summary>Fails where a pin was lost, a stranger touched, or the agent ended.</summary>
    public void Judge()
    {
        Assert.False(Agent.HasEnded, EndOf(Agent));
        Assert.All(_pins, pin => Assert.Equal(pin.Value, Threads.Mask(_guest!.Pid, pin.Key)));
        JudgeStrangers();
    }

    /// <summary>Fails where a stranger was touched.</summary>
    public void JudgeStrangers() =>
        Assert.All(_strangersThreads, tid => Assert.Equal("1", Threads.Mask(_strangers!.Pid, tid)));

    /// <summary>The same, of an agent that nothing befalls any more: it's healthy, and has kept nothing of it.</summary>
    public async Task JudgeAfterwardsAsync()
    {
        await JudgeHealthAsync();
        await Until.HoldsAsync(
            () => Task.FromResult(Descriptors(Agent.Pid) <= _descriptors + Passing),
            () => Task.FromResult($"{Descriptors(Agent.Pid)} files open, {_descriptors} before")
        );
        Assert.InRange(Resident(Agent.Pid), 1, MostResident);
    }

    /// <summary>The same, and that it says of itself that it's well.</summary>
    public async Task JudgeHealthAsync()
    {
        Judge();
        await Until.EqualAsync("healthy", AskHealthAsync);
    }

    /// <summary>Ends the agent, and says nothing.</summary>
    public async Task EndAgentAsync()
    {
        await Agent.DisposeAsync();
        _agent = null;
    }

    /// <summary>Takes another for the agent.</summary>
    public void Take(AgentLoop agent) => _agent = agent;

    public async ValueTask DisposeAsync()
    {
        if (_agent is not null)
        {
            await _agent.DisposeAsync();
        }

        if (_strangers is not null)
        {
            await _strangers.DisposeAsync();
        }

        if (_guest is not null)
        {
            await _guest.DisposeAsync();
        }

        _strangersCpuset.Dispose();
        _cpuset.Dispose();
        _kubelet.Dispose();
    }

    // Those of its threads that stay, and where they are.
    private async Task<IReadOnlyDictionary<int, string>> LookAsync() =>
        (await _guest!.Monitor.VcpuThreadsAsync())
            .Values.Concat((await _guest.Monitor.IoThreadsAsync()).Values)
            .Append(_guest.Pid)
            .ToDictionary(tid => tid, tid => Threads.Mask(_guest.Pid, tid));

    // Its start is field 22 of proc_pid_stat(5), in ticks since the boot: the 20th behind the name.
    private static TimeSpan Age(int pid) =>
        TimeSpan.FromSeconds(
            double.Parse(
                File.ReadAllText("/proc/uptime").Split(' ')[0],
                CultureInfo.InvariantCulture
            )
                - (
                    double.Parse(
                        File.ReadAllText($"/proc/{pid}/stat").Split(") ")[^1].Split(' ')[19],
                        CultureInfo.InvariantCulture
                    ) / TicksPerSecond
                )
        );

    private static string EndOf(AgentLoop agent) =>
        agent.HasEnded ? $"The agent has ended: {agent.Said}" : "";

    private static int Descriptors(int pid) => Directory.GetFiles($"/proc/{pid}/fd").Length;

    // In KiB.
    private static int Resident(int pid) =>
        int.Parse(
            File.ReadLines($"/proc/{pid}/status")
                .First(line => line.StartsWith("VmRSS:", StringComparison.Ordinal))[6..^3],
            CultureInfo.InvariantCulture
        );

    private async Task<string> AskHealthAsync() =>
        await AskAsync("/healthz") is not null ? "healthy" : $"no answer: {Agent.Said}";

    // Null where there's no answer.
    private async Task<string?> AskAsync(string path)
    {
        using var client = AgentLoop.Client(Agent.Socket);
        client.Timeout = TimeSpan.FromSeconds(10);
        try
        {
            return await client.GetStringAsync(
                $"http://localhost{path}",
                TestContext.Current.CancellationToken
            );
        }
        catch (Exception problem)
            when (problem is HttpRequestException or SocketException or TaskCanceledException
                && !TestContext.Current.CancellationToken.IsCancellationRequested
            )
        {
            return null;
        }
    }
}
