using PinAgent.Observe.Cgroups;
using PinAgent.Observe.Events;
using Xunit;

namespace PinAgent.Tests.Observe.Events;

public sealed class CpusetWatchTests : IDisposable
{
    private readonly FakeHost _host = new();
    private readonly PassRequests _requests = new();
    private readonly CpusetWatch _watch;

    public CpusetWatchTests()
    {
        _host.Write("/a/cpuset.cpus", "0-1").Write("/b/cpuset.cpus", "2-3");
        _watch = new CpusetWatch(_requests, _host.Root, "/var/lib/kubelet");
    }

    [Fact]
    public async Task It_tells_which_cgroup_was_written_and_tells_it_once()
    {
        await Begin();

        Write("/b");

        Assert.Equal(["/vms/b"], _watch.TakeWritten()!);
        Assert.Empty(_watch.TakeWritten()!);
        await _watch.StopAsync(TestContext.Current.CancellationToken);
    }

    [Fact]
    public async Task A_cpuset_that_several_cgroups_have_is_each_ones()
    {
        await Begin(new CpusetFolder("/vms/b/emulator", "/b"));

        Write("/b");

        Assert.Equal(["/vms/b", "/vms/b/emulator"], _watch.TakeWritten()!.Order());
        await _watch.StopAsync(TestContext.Current.CancellationToken);
    }

    [Fact]
    public void Where_nobody_listens_it_knows_nothing() => Assert.Null(_watch.TakeWritten());

    public void Dispose()
    {
        _watch.Dispose();
        _host.Dispose();
    }

    private async Task Begin(params CpusetFolder[] more)
    {
        await _watch.StartAsync(TestContext.Current.CancellationToken);
        _watch.Follow([new("/vms/a", "/a"), new("/vms/b", "/b"), .. more]);
    }

    // Until it's asked for a look.
    private void Write(string folder)
    {
        // In place, as a cpuset is.
        using (var file = File.OpenWrite(_host.PathOf($"{folder}/cpuset.cpus")))
        {
            file.WriteByte((byte)'5');
        }

        _requests.Wait(TimeSpan.FromDays(1), TestContext.Current.CancellationToken, out _);
    }
}
