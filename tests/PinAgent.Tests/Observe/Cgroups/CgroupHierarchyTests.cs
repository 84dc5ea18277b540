using System.Globalization;
using PinAgent.Model.Cpu;
using PinAgent.Observe.Cgroups;
using Xunit;

namespace PinAgent.Tests.Observe.Cgroups;

/// <summary>Cpusets of cgroup v1 and v2, wherever they are mounted.</summary>
public sealed class CgroupHierarchyTests : IDisposable
{
    private const string Root2 = "/sys/fs/cgroup";
    private const string Root1 = "/sys/fs/cgroup/cpuset";

    private readonly FakeHost _host = new();

    [Theory]
    [InlineData("/../../pod1/abc", "/kubepods/pod2/def", "/kubepods/pod1/abc")]
    [InlineData("/../..", "/kubepods/pod2/def", "/kubepods")]
    [InlineData("/..", "/kubepods/pod2/def", "/kubepods/pod2")]
    [InlineData("/../../../machine.slice/vm1", "/kubepods/pod2/def", "/machine.slice/vm1")]
    [InlineData("/../../..", "/kubepods/pod2/def", "/")]
    [InlineData("/../../../../../x", "/kubepods/pod2/def", "/x")]
    [InlineData("/../x", "/", "/x")]
    [InlineData("/../sibling/libvirt/vcpu0", "/a.slice/b.scope", "/a.slice/sibling/libvirt/vcpu0")]
    public void Resolves_a_path_relative_to_the_agents_own_cgroup(
        string path,
        string own,
        string expected
    ) => Assert.Equal(expected, CgroupHierarchy.Resolve(path, own));

    [Fact]
    public void Finds_its_own_cgroup_by_the_process_ids_listed_in_it()
    {
        _host
            .MountCgroup2()
            .Write($"{Root2}/cgroup.procs", "1\n2\n")
            .Write($"{Root2}/kubepods/pod1/abc/cgroup.procs", "77\n")
            .Write(
                $"{Root2}/kubepods/pod2/def/cgroup.procs",
                string.Create(CultureInfo.InvariantCulture, $"5\n{Environment.ProcessId}\n")
            );
        var cgroups = Open();

        Assert.Equal("/kubepods/pod1/abc", cgroups.Resolve("/../../pod1/abc"));
        Assert.Equal("/machine.slice", cgroups.Resolve("/machine.slice"));
        Assert.Equal("/", cgroups.Resolve("/"));
    }

    [Fact]
    public void Cant_resolve_where_its_own_cgroup_isnt_found()
    {
        _host.MountCgroup2().Write($"{Root2}/cgroup.procs", "0\n");

        Assert.Null(Open().Resolve("/../../pod1/abc"));
    }

    [Theory]
    [InlineData("isolated", null, true)]
    [InlineData("isolated", "member", true)]
    [InlineData("isolated", "isolated invalid (Cpu list in cpuset.cpus not exclusive)", true)]
    [InlineData("isolated", "root", false)]
    [InlineData("root", "isolated", true)]
    [InlineData("member", null, false)]
    [InlineData(null, null, false)]
    public void Tells_a_partition_that_the_kernel_doesnt_balance(
        string? parent,
        string? own,
        bool expected
    )
    {
        _host.MountCgroup2();
        foreach (var (path, kind) in new[] { ("/a.slice", parent), ("/a.slice/vm", own) })
        {
            if (kind is not null)
            {
                _host.Write($"{Root2}{path}/cpuset.cpus.partition", $"{kind}\n");
            }
        }

        Assert.Equal(expected, Open().IsIsolated("/a.slice/vm"));
    }

    [Fact]
    public void Prefers_v1s_cpusets_on_a_hybrid_machine()
    {
        _host.MountCgroup1();
        var mounts = File.ReadAllText(_host.PathOf("/proc/1/mountinfo"));
        _host.Write(
            "/proc/1/mountinfo",
            "31 30 0:26 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n" + mounts
        );

        Assert.Equal(Root1, Open().Mount.MountPoint);
    }

    [Theory]
    [InlineData(null, "can't find the cgroup mounts: no such file or directory (ENOENT)")]
    [InlineData("22 28 0:21 / /proc rw - proc proc rw\n", "expected a cgroup v2 mount, or a v1")]
    public void Says_why_there_are_no_cpusets(string? mounts, string expected)
    {
        if (mounts is not null)
        {
            _host.Write("/proc/1/mountinfo", mounts);
        }

        Assert.Null(CgroupHierarchy.TryOpen(_host.Files, out var problem));

        Assert.StartsWith(
            $"{_host.PathOf("/proc/1/mountinfo")}: {expected}",
            problem,
            StringComparison.Ordinal
        );
    }

    [Fact]
    public void Reads_the_effective_cpuset_of_v2()
    {
        _host
            .MountCgroup2()
            .Write($"{Root2}/vm1/cpuset.cpus", "2-9\n")
            .Write($"{Root2}/vm1/cpuset.cpus.effective", "2-5\n");

        Assert.Equal(("2-5", null), Effective("/vm1"));
        Assert.Equal("2-9", Open().ReadOwn("/vm1", out var isAbove).Cpus?.ToString());
        Assert.False(isAbove);
    }

    [Theory]
    [InlineData("cpuset.effective_cpus")]
    [InlineData("cpuset.cpus")]
    public void Reads_the_effective_cpuset_of_v1(string file)
    {
        _host.MountCgroup1().Write($"{Root1}/vm1/{file}", "2-5\n");

        Assert.Equal(("2-5", null), Effective("/vm1"));
    }

    [Fact]
    public void Believes_v1s_effective_cpuset_more_than_the_given_one()
    {
        _host
            .MountCgroup1()
            .Write($"{Root1}/vm1/cpuset.cpus", "2-5\n")
            .Write($"{Root1}/vm1/cpuset.effective_cpus", "2-4\n");

        Assert.Equal(("2-4", null), Effective("/vm1"));
    }

    [Fact]
    public void Asks_the_nearest_ancestor_that_has_a_cpuset()
    {
        _host
            .MountCgroup2("0-15")
            .Write($"{Root2}/a.slice/cpuset.cpus", "4-7\n")
            .Write($"{Root2}/a.slice/cpuset.cpus.effective", "4-7\n")
            .Folder($"{Root2}/a.slice/b.slice/c.scope")
            .Folder($"{Root2}/z.slice");

        Assert.Equal(("4-7", null), Effective("/a.slice/b.slice/c.scope"));
        Assert.Equal(
            "4-7",
            Open().ReadOwn("/a.slice/b.slice/c.scope", out var isAbove).Cpus?.ToString()
        );
        Assert.True(isAbove);
        Assert.Equal(("0-15", null), Effective("/z.slice"));
        Assert.Null(Open().ReadOwn("/z.slice", out _).Cpus);
        Assert.Equal(("0-15", null), Effective("/"));
    }

    [Fact]
    public void Takes_an_inherited_cpuset_for_nobodys_own()
    {
        _host
            .MountCgroup2()
            .Write($"{Root2}/cpuset.cpus", "0-15\n")
            .Write($"{Root2}/vm1/cpuset.cpus", "\n")
            .Write($"{Root2}/vm1/cpuset.cpus.effective", "0-15\n");

        Assert.Null(Open().ReadOwn("/vm1", out _).Cpus);
    }

    [Fact]
    public void Says_where_a_cpuset_is_missing_up_to_the_root()
    {
        _host.MountCgroup2().Delete($"{Root2}/cpuset.cpus.effective").Folder($"{Root2}/vm1");

        var (cpus, problem) = Effective("/vm1");

        Assert.Null(cpus);
        Assert.Contains("cpuset.cpus.effective", problem, StringComparison.Ordinal);
    }

    [Fact]
    public void Stops_at_a_cpuset_that_isnt_one()
    {
        _host.MountCgroup2().Write($"{Root2}/vm1/cpuset.cpus.effective", "many\n");

        var (cpus, problem) = Effective("/vm1");

        Assert.Null(cpus);
        Assert.StartsWith(
            _host.PathOf($"{Root2}/vm1/cpuset.cpus.effective") + ": expected a list",
            problem,
            StringComparison.Ordinal
        );
    }

    [Fact]
    public void Reads_a_cpuset_again_at_the_next_pass_only()
    {
        _host.MountCgroup2().Write($"{Root2}/vm1/cpuset.cpus.effective", "2-5\n");
        var cgroups = Open();
        Assert.Equal("2-5", cgroups.ReadEffective("/vm1").Cpus?.ToString());

        _host.Write($"{Root2}/vm1/cpuset.cpus.effective", "2-3\n");

        Assert.Equal("2-5", cgroups.ReadEffective("/vm1").Cpus?.ToString());
        cgroups.Forget();
        Assert.Equal("2-3", cgroups.ReadEffective("/vm1").Cpus?.ToString());
    }

    [Theory]
    [InlineData("/docker/ab/vm1", "1")]
    [InlineData("/docker/ab", "2")]
    [InlineData("/docker/abc/vm1", "3")]
    public void Finds_a_cgroup_below_a_mount_that_isnt_the_whole_hierarchy(
        string path,
        string expected
    )
    {
        _host
            .Write(
                "/proc/1/mountinfo",
                "30 23 0:26 /docker/ab /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n"
            )
            .Write($"{Root2}/vm1/cpuset.cpus.effective", "1\n")
            .Write($"{Root2}/cpuset.cpus.effective", "2\n")
            .Write($"{Root2}/docker/abc/vm1/cpuset.cpus.effective", "3\n");

        Assert.Equal((expected, null), Effective(path));
    }

    [Fact]
    public void Reads_the_hosts_hierarchy_from_a_namespace_of_its_own()
    {
        _host
            .Write(
                "/proc/1/mountinfo",
                "30 23 0:26 /../../.. /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n"
            )
            .Write($"{Root2}/kubepods/pod1/abc/cpuset.cpus.effective", "4-5\n");

        Assert.Equal(("4-5", null), Effective("/kubepods/pod1/abc"));
    }

    [Fact]
    public void Knows_only_children_with_a_cpuset_of_their_own()
    {
        _host
            .MountCgroup2()
            .Write($"{Root2}/vm1/housekeeping/cpuset.cpus.effective", "2\n")
            .Folder($"{Root2}/vm2/housekeeping");

        Assert.Equal("2", ReadChild("/vm1", "housekeeping")?.ToString());
        Assert.Null(ReadChild("/vm2", "housekeeping"));
        Assert.Null(ReadChild("/vm3", "housekeeping"));
        Assert.Null(ReadChild("/", "housekeeping"));
    }

    public void Dispose() => _host.Dispose();

    private CgroupHierarchy Open() =>
        CgroupHierarchy.TryOpen(_host.Files, out var problem)
        ?? throw new InvalidOperationException(problem);

    private CpuSet? ReadChild(string path, string child)
    {
        string? problem = null;
        var cpus = Open().ReadChild(path, child, ref problem);
        Assert.Null(problem);
        return cpus;
    }

    private (string? Cpus, string? Problem) Effective(string path)
    {
        var reading = Open().ReadEffective(path);
        return (reading.Cpus?.ToString(), reading.Problem);
    }
}
