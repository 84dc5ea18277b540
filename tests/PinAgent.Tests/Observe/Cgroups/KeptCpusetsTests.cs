using PinAgent.NativeInterop;
using PinAgent.Observe.Cgroups;
using PinAgent.Observe.Files;
using Xunit;

namespace PinAgent.Tests.Observe.Cgroups;

/// <summary>The cpuset of this machine's root cgroup, which nobody needs a right to read, and a file that is only called like one.</summary>
public sealed class KeptCpusetsTests
{
    private static readonly string? s_file = new[]
    {
        "/sys/fs/cgroup/cpuset/cpuset.effective_cpus",
        "/sys/fs/cgroup/cpuset.cpus.effective",
    }.FirstOrDefault(File.Exists);

    [Fact]
    public void A_cgroups_file_is_held_until_nobody_asks_for_it_any_more()
    {
        Assert.SkipWhen(s_file is null, "needs a hierarchy with cpusets");
        using var files = new HostFiles();
        var kept = new KeptCpusets(files);
        var content = File.ReadAllBytes(s_file);

        for (var turn = 0; turn < 3; turn++)
        {
            Assert.True(kept.IsStill(s_file, LinuxResult.Success, content));
            Assert.False(kept.IsStill(s_file, LinuxResult.Success, "no CPUs\n"u8));
            Assert.Equal(1, kept.Held);
        }

        kept.Keep(new HashSet<string> { s_file });
        Assert.Equal(1, kept.Held);
        kept.Keep(new HashSet<string>());
        Assert.Equal(0, kept.Held);
        Assert.True(kept.IsStill(s_file, LinuxResult.Success, content));
    }

    [Fact]
    public void A_copy_is_read_anew_each_time_for_another_may_have_its_name()
    {
        using var host = new FakeHost();
        host.Write("/cpuset.cpus", "0-3\n");
        var kept = new KeptCpusets(host.Files);

        Assert.True(kept.IsStill("/cpuset.cpus", LinuxResult.Success, "0-3\n"u8));
        host.Write("/new", "4-7\n");
        File.Move(host.PathOf("/new"), host.PathOf("/cpuset.cpus"), overwrite: true);

        Assert.False(kept.IsStill("/cpuset.cpus", LinuxResult.Success, "0-3\n"u8));
        Assert.True(kept.IsStill("/cpuset.cpus", LinuxResult.Success, "4-7\n"u8));
        Assert.Equal(0, kept.Held);
    }
}
