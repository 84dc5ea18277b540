using PinAgent.Observe.Proc;
using Xunit;

namespace PinAgent.Tests.Observe.Proc;

/// <summary>How often a process's cgroups have held it back.</summary>
public sealed class CpuStatTests : IDisposable
{
    private const int Pid = 4711;
    private readonly FakeHost _host = new();

    [Fact]
    public void Reads_v2_and_every_cgroup_above_that_may_have_a_limit()
    {
        _host
            .MountCgroup2()
            .Write($"/proc/{Pid}/cgroup", "0::/kubepods/pod1/c1/housekeeping\n")
            // Without the controller, the file has no such line.
            .Write("/sys/fs/cgroup/kubepods/pod1/c1/housekeeping/cpu.stat", "usage_usec 77\n")
            .Write(
                "/sys/fs/cgroup/kubepods/pod1/c1/cpu.stat",
                "usage_usec 77\nnr_periods 9\nnr_throttled 3\nthrottled_usec 1500000\n"
            )
            .Write(
                "/sys/fs/cgroup/kubepods/pod1/cpu.stat",
                "nr_periods 9\nnr_throttled 4\nthrottled_usec 250000\n"
            );

        Assert.Equal((7L, 1.75), Read());
    }

    [Theory]
    [InlineData("5:cpu,cpuacct:/kubepods/pod1/c1\n3:cpuset:/x\n0::/y\n")]
    [InlineData("3:cpuset:/x\n4:cpuacct,cpu:/kubepods/pod1/c1\n")]
    public void Reads_v1s_controller(string cgroup)
    {
        _host
            .MountCgroup1()
            .Write($"/proc/{Pid}/cgroup", cgroup)
            .Write(
                "/sys/fs/cgroup/cpu/kubepods/pod1/c1/cpu.stat",
                "nr_periods 9\nnr_throttled 3\nthrottled_time 1500000000\n"
            );

        Assert.Equal((3L, 1.5), Read());
    }

    [Fact]
    public void Finds_a_cgroup_relative_to_the_agents_own()
    {
        _host
            .MountCgroup2()
            .Write("/sys/fs/cgroup/kubepods/pod2/c2/cgroup.procs", $"{Environment.ProcessId}\n")
            .Write($"/proc/{Pid}/cgroup", "0::/../../pod1/c1\n")
            .Write("/sys/fs/cgroup/kubepods/pod1/c1/cpu.stat", "nr_throttled 3\n");

        Assert.Equal((3L, 0d), Read());
    }

    [Fact]
    public void A_process_without_a_limit_or_gone_has_no_count()
    {
        _host.MountCgroup2();
        Assert.Null(Read());
        _host
            .Write($"/proc/{Pid}/cgroup", "0::/a\n")
            .Write("/sys/fs/cgroup/a/cpu.stat", "usage_usec 77\n");
        Assert.Null(Read());
    }

    public void Dispose() => _host.Dispose();

    private (long, double)? Read() => new CpuStat(_host.Files).ReadThrottled(Pid);
}
