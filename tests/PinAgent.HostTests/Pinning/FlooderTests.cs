using PinAgent.HostTests.Harness;
using Xunit;

namespace PinAgent.HostTests.Pinning;

/// <summary>Programs that have the kernel tell the agent of more than it can look at.</summary>
public sealed class FlooderTests
{
    private const int Timeout = Patience.Hang;
    private readonly string _name = $"default_test-{Guid.NewGuid():N}";

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Fact(Timeout = Timeout)]
    public async Task A_process_that_names_threads_without_end_is_heard_no_more_and_its_neighbour_is_repaired()
    {
        Requires.Events(cpus: 2);
        using var cpuset = new Cpuset(Cpuset.PodPath(out _, out _), "0-1");
        await using var guest = await Guest.StartAsync(_name, "1", cpuset);
        var vcpu = (await guest.Monitor.VcpuThreadsAsync())[0];
        await using var agent = new AgentLoop("--vm", _name, "--interval", "0.2");
        await agent.WaitForLogAsync("pinned within CPUs 0-1");

        using var flood = new Flood();
        await agent.WaitForLogAsync(
            $"process {Environment.ProcessId} names its threads without end"
        );

        await Threads.TasksetAsync(vcpu, "1");
        await agent.WaitForLogAsync("repaired vcpu 0");
        Assert.Equal("0", guest.Masks()[vcpu]);

        // The filter takes them, not the agent: no name of them waits to be read, though there are ever more.
        var named = flood.Named;
        while (flood.Named < named + 100_000)
        {
            Stop.ThrowIfCancellationRequested();
            await Task.Yield();
        }

        Assert.Contains("pinagent_event_overflows_total 0", await agent.MetricsAsync());
    }

    [Fact(Timeout = Timeout)]
    public async Task A_guest_that_starts_beside_it_is_pinned_as_its_threads_get_their_names()
    {
        Requires.Events(cpus: 2);
        using var cpuset = new Cpuset(Cpuset.PodPath(out _, out _), "0-1");
        await using var agent = new AgentLoop("--vm", _name, "--interval", "3600");
        await agent.WaitForLogAsync("no running guest has this name");
        using var flood = new Flood();
        while (flood.Named < 10_000)
        {
            Stop.ThrowIfCancellationRequested();
            await Task.Yield();
        }

        await using var guest = await Guest.StartAsync(_name, "1", cpuset);
        await agent.WaitForLogAsync("pinned within CPUs 0-1");

        Assert.Equal("0", guest.Masks()[(await guest.Monitor.VcpuThreadsAsync())[0]]);
    }

    /// <summary>A thread of this process that names itself as often as it can.</summary>
    private sealed class Flood : IDisposable
    {
        private readonly Thread _thread;
        private long _named;
        private volatile bool _isOver;

        public Flood()
        {
            _thread = new Thread(Run) { IsBackground = true };
            _thread.Start();
        }

        public long Named => Interlocked.Read(ref _named);

        public void Dispose()
        {
            _isOver = true;
            _thread.Join();
        }

        private void Run()
        {
            using var name = new FileStream(
                "/proc/thread-self/comm",
                FileMode.Open,
                FileAccess.Write,
                FileShare.ReadWrite,
                bufferSize: 0
            );
            while (!_isOver)
            {
                name.Write("CPU 9/KVM"u8);
                Interlocked.Increment(ref _named);
            }

            name.Write("was CPU 9"u8);
        }
    }
}
