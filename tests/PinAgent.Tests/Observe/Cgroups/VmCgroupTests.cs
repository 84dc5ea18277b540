using PinAgent.Model.Node;
using PinAgent.Model.Vm;
using PinAgent.Tests.Observe.Qemu;
using Xunit;

namespace PinAgent.Tests.Observe.Cgroups;

/// <summary>Which CPUs a VM has by its cgroup, and which its threads have by theirs.</summary>
public sealed class VmCgroupTests : IDisposable
{
    private const string Uid = "541081ef-fe30-4353-a784-1bc4e9337f97";
    private const string Container =
        "/kubepods.slice/kubepods-pod541081ef_fe30_4353_a784_1bc4e9337f97.slice/crio-ab12.scope";
    private const string Root2 = "/sys/fs/cgroup";
    private const string Root1 = "/sys/fs/cgroup/cpuset";

    private readonly FakeHost _host = new();

    [Theory]
    [InlineData("")]
    [InlineData("/container")]
    public void Plans_from_the_containers_cpuset_and_reads_each_threads_own(string inner)
    {
        _host
            .MountCgroup2()
            .Write($"{Root2}{Container}/cpuset.cpus", "2-5\n")
            .Write($"{Root2}{Container}/cpuset.cpus.effective", "2-5\n")
            .Write($"{Root2}{Container}{inner}/housekeeping/cpuset.cpus.effective", "2\n");
        FakeProcess
            .Qemu(_host, 4711, Container + inner)
            .Thread(4714, "IO iothread1")
            .ThreadCgroup(4711, $"0::{Container}{inner}/housekeeping\n")
            .ThreadCgroup(4714, $"0::{Container}{inner}/housekeeping\n");

        var vm = Observe();

        Assert.Equal(new CgroupLocation(Container, Uid, "ab12"), vm.Cgroup);
        Assert.Equal("2-5", vm.Cpuset?.ToString());
        Assert.Equal("2-5", vm.GivenCpuset?.ToString());
        Assert.Equal("2", vm.Housekeeping?.ToString());
        Assert.Equal("2,,,2", OwnCpusets(vm));
        Assert.Null(vm.Problem);
    }

    [Fact]
    public void Reads_the_housekeeping_of_cgroup_v1()
    {
        const string Path = $"/kubepods/pod{Uid}/ab12";
        _host
            .MountCgroup1()
            .Write($"{Root1}{Path}/cpuset.cpus", "2-5\n")
            .Write($"{Root1}{Path}/cpuset.effective_cpus", "2-4\n")
            .Write($"{Root1}{Path}/housekeeping/cpuset.cpus", "3\n")
            .Write($"{Root1}{Path}/housekeeping/cpuset.effective_cpus", "3\n");
        FakeProcess
            .Qemu(_host, 4711)
            .Cgroup($"4:cpuset:{Path}\n1:name=systemd:/other\n0::/unified\n")
            .ThreadCgroup(4711, $"4:cpuset:{Path}/housekeeping\n");

        var vm = Observe();

        Assert.Equal(new CgroupLocation(Path, Uid, "ab12"), vm.Cgroup);
        Assert.Equal("2-4", vm.Cpuset?.ToString());
        Assert.Equal("2-5", vm.GivenCpuset?.ToString());
        Assert.Equal("3", vm.Housekeeping?.ToString());
        Assert.Equal("3,,", OwnCpusets(vm));
    }

    [Fact]
    public void Finds_the_cgroups_that_libvirt_makes_for_each_vCPU()
    {
        const string Machine = "/machine.slice/machine-qemu\\x2d1\\x2dvm1.scope";
        _host
            .MountCgroup2()
            .Write($"{Root2}{Machine}/cpuset.cpus.effective", "0-15\n")
            .Write($"{Root2}{Machine}/libvirt/emulator/cpuset.cpus.effective", "0-1\n")
            .Write($"{Root2}{Machine}/libvirt/vcpu0/cpuset.cpus.effective", "4\n")
            .Write($"{Root2}{Machine}/libvirt/vcpu1/cpuset.cpus.effective", "0-15\n");
        FakeProcess
            .Qemu(_host, 4711)
            .ThreadCgroup(4711, $"0::{Machine}/libvirt/emulator\n")
            .ThreadCgroup(4712, $"0::{Machine}/libvirt/vcpu0\n")
            .ThreadCgroup(4713, $"0::{Machine}/libvirt/vcpu1\n");

        var vm = Observe();

        Assert.Equal(new CgroupLocation(Machine, null, null), vm.Cgroup);
        Assert.Equal("0-15", vm.Cpuset?.ToString());
        Assert.Null(vm.GivenCpuset);
        Assert.Null(vm.Housekeeping);
        Assert.Equal("0-1,4,", OwnCpusets(vm));
    }

    [Fact]
    public void Takes_the_nearest_ancestors_cpuset_where_the_container_has_none()
    {
        _host
            .MountCgroup2()
            .Write($"{Root2}/a.slice/cpuset.cpus", "4-7\n")
            .Write($"{Root2}/a.slice/cpuset.cpus.effective", "4-7\n")
            .Folder($"{Root2}/a.slice/b.slice/vm1.scope");
        FakeProcess.Qemu(_host, 4711, "/a.slice/b.slice/vm1.scope");

        var vm = Observe();

        Assert.Equal("/a.slice/b.slice/vm1.scope", vm.Cgroup?.Path);
        Assert.Equal("4-7", vm.Cpuset?.ToString());
        Assert.Equal("4-7", vm.GivenCpuset?.ToString());
    }

    [Fact]
    public void Says_that_a_VM_has_no_CPU_to_run_on()
    {
        _host.MountCgroup1().Write($"{Root1}/vm1.scope/cpuset.effective_cpus", "\n");
        FakeProcess.Qemu(_host, 4711).Cgroup("4:cpuset:/vm1.scope\n");

        var vm = Observe();

        Assert.Equal(Reason.CpusetEmpty, vm.Problem?.Reason);
        Assert.Equal("/vm1.scope", vm.Cgroup?.Path);
        Assert.True(vm.Cpuset?.IsEmpty);
    }

    [Fact]
    public void Says_which_cpuset_cant_be_read()
    {
        _host.MountCgroup2().Write($"{Root2}/vm1.scope/cpuset.cpus.effective", "many\n");
        FakeProcess.Qemu(_host, 4711);

        var vm = Observe();

        Assert.Equal(Reason.CpusetUnreadable, vm.Problem?.Reason);
        Assert.Null(vm.Cpuset);
        Assert.Contains("cpuset.cpus.effective", vm.Problem?.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("4:cpuset:/vm1.scope\n", "expected a line for v2, found none")]
    [InlineData("", "expected a line for v2, found none")]
    [InlineData("0::/../../other/vm1\n", "relative to the agent's own cgroup")]
    public void Says_why_a_VMs_cgroup_isnt_known(string content, string expected)
    {
        _host.MountCgroup2();
        FakeProcess.Qemu(_host, 4711).Cgroup(content);

        var vm = Observe();

        Assert.Equal(Reason.CpusetUnreadable, vm.Problem?.Reason);
        Assert.Contains(expected, vm.Problem?.Message, StringComparison.Ordinal);
        Assert.Null(vm.Cgroup);
    }

    [Fact]
    public void Keeps_what_is_known_of_the_threads_without_any_cgroups()
    {
        FakeProcess.Qemu(_host, 4711);

        var vm = Observe();

        Assert.Equal(Reason.CpusetUnreadable, vm.Problem?.Reason);
        Assert.Contains("/proc/1/mountinfo", vm.Problem?.Message, StringComparison.Ordinal);
        Assert.Equal("4711:emulator 4712:vcpu0 4713:vcpu1", QemuObservation.Roles(vm));
    }

    public void Dispose() => _host.Dispose();

    private ObservedVm Observe() => Assert.Single(QemuObservation.Observe(_host));

    private static string OwnCpusets(ObservedVm vm) =>
        string.Join(',', vm.Threads.Select(thread => thread.OwnCpuset?.ToString()));
}
