using System.Collections.Immutable;
using PinAgent.Model.Node;
using PinAgent.Model.Vm;
using PinAgent.NativeInterop;
using PinAgent.Observe;
using PinAgent.Observe.Kubelet;
using PinAgent.Observe.Qemu;
using Xunit;

namespace PinAgent.Tests.Loop;

/// <summary>One read that fails isn't the end of a VM: only where there's no such process is it gone.</summary>
public sealed class FailedReadTests : IDisposable
{
    private const string Cpuset = "/sys/fs/cgroup/vm1.scope/cpuset.cpus.effective";

    private readonly FakeHost _host = new();
    private readonly NodeObserver _observer;

    public FailedReadTests()
    {
        _host
            .MountCgroup2()
            .Write("/sys/devices/system/cpu/online", "0-15\n")
            .Write("/proc/uptime", "1000.00 0.00\n")
            .Write("/sys/fs/cgroup/vm1.scope/cpuset.cpus", "2-3\n")
            .Write("/sys/fs/cgroup/vm1.scope/housekeeping/cpuset.cpus.effective", "2\n")
            .Write(Cpuset, "2-3\n");
        FakeProcess.Qemu(_host, 100);
        _observer = new NodeObserver(
            _host.Files,
            new RecordedAffinityReader(_host.Files),
            CpuManagerObserver.DefaultKubeletRoot
        );
    }

    public static MatrixTheoryData<string, Errno> Faults { get; } =
        new(
            [
                "/proc/100/stat",
                "/proc/100/cmdline",
                "/proc/100/task",
                "/proc/100/task/102/stat",
                "/proc/100/task/100/cgroup",
                "/proc/100/task/102/cgroup",
                "/sys/fs/cgroup/vm1.scope/cpuset.cpus",
                Cpuset,
                "/sys/fs/cgroup/vm1.scope/housekeeping/cpuset.cpus.effective",
            ],
            [Errno.EMFILE, Errno.ENFILE, Errno.ENOMEM, Errno.EIO, Errno.EINTR]
        );

    [Theory]
    [MemberData(nameof(Faults))]
    public void What_is_known_is_kept_with_the_reason_and_looked_at_again(string path, Errno errno)
    {
        var before = _observer.Observe();
        var known = Assert.Single(before.Vms);
        Assert.Null(known.Problem);

        Fail(path, errno);
        var failed = _observer.Observe();
        CheckKept(known, failed, path, errno);

        // And so it stays at each look, for as long as it lasts.
        CheckKept(known, _observer.ObserveChanges(failed), path, errno);

        _host.Files.Faults = null;
        var healed = Assert.Single(_observer.ObserveChanges(failed).Vms);
        Assert.True(known.IsSameAs(healed));
    }

    [Theory]
    [MemberData(nameof(Faults))]
    public void A_look_at_a_thread_that_named_itself_keeps_the_VM_too(string path, Errno errno)
    {
        var before = _observer.Observe();
        Fail(path, errno);

        var named = _observer.ObserveNamed(before, [new NamedThread(102, 100, 0)]);

        if (named.Vms != before.Vms)
        {
            CheckKept(before.Vms[0], named, path, errno);
        }
    }

    [Theory]
    [InlineData(Errno.ENOENT)]
    [InlineData(Errno.ESRCH)]
    public void Where_there_is_no_such_process_the_VM_has_ended(Errno errno)
    {
        var before = _observer.Observe();
        Fail("/proc/100/stat", errno);

        Assert.Empty(_observer.Observe().Vms);
        Assert.Empty(_observer.ObserveNamed(before, [new NamedThread(102, 100, 0)]).Vms);
    }

    [Fact]
    public void A_process_that_has_the_id_of_a_VM_and_cant_be_read_isnt_that_VM()
    {
        _observer.Observe();
        FakeProcess.Qemu(_host, 100);
        _host.Write("/proc/100/stat", FakeProcess.Stat(100, "qemu-system-x86", 5000));
        Fail("/proc/100/cmdline", Errno.EMFILE);

        Assert.Empty(_observer.Observe().Vms);
    }

    [Theory]
    [InlineData("/proc/200/stat")]
    [InlineData("/proc/200/cmdline")]
    [InlineData("/proc/200/task")]
    public void A_new_VM_that_couldnt_be_read_is_found_at_the_next_look(string path)
    {
        _observer.Observe();
        FakeProcess.Qemu(_host, 200);
        Fail(path, Errno.EMFILE);
        var without = _observer.Observe();
        Assert.Equal([100], Pids(without.Vms));

        without = _observer.ObserveChanges(without);
        Assert.Equal([100], Pids(without.Vms));

        _host.Files.Faults = null;
        Assert.Equal([100, 200], Pids(_observer.ObserveChanges(without).Vms));
    }

    [Fact]
    public void Processes_that_cant_be_listed_for_a_moment_arent_new_afterwards()
    {
        var before = _observer.Observe();
        _observer.ObserveChanges(before);
        Fail("/proc", Errno.EMFILE);
        Assert.Throws<InvalidDataException>(() => _observer.ObserveChanges(before));

        _host.Files.Faults = null;
        Assert.Same(before, _observer.ObserveChanges(before));
    }

    [Theory]
    [InlineData("/sys/devices/system/cpu/cpu0/topology/thread_siblings_list")]
    [InlineData("/sys/devices/system/node")]
    public void A_topology_that_couldnt_be_read_isnt_kept(string path)
    {
        Fail(path, Errno.EMFILE);
        Assert.Throws<InvalidDataException>(_observer.Observe);

        _host.Files.Faults = null;
        Assert.Single(_observer.Observe().Vms);
    }

    [Fact]
    public void The_kubelets_checkpoint_stays_known()
    {
        const string Path = "/var/lib/kubelet/cpu_manager_state";
        _host.Write(Path, """{"policyName":"static","defaultCpuSet":"0-1","checksum":0}""");
        var before = _observer.Observe();

        Fail(Path, Errno.EMFILE);

        Assert.Equal("0-1", $"{_observer.Observe().CpuManager.SharedPool}");
        Assert.Equal("0-1", $"{_observer.ObserveChanges(before).CpuManager.SharedPool}");
    }

    public void Dispose()
    {
        _observer.Dispose();
        _host.Dispose();
    }

    private void Fail(string path, Errno errno) =>
        _host.Files.Faults = read => read == path ? errno : Errno.None;

    private static void CheckKept(ObservedVm known, NodeSnapshot now, string path, Errno errno)
    {
        var kept = Assert.Single(now.Vms);
        Assert.Contains(
            kept.Problem?.Reason,
            new Reason?[] { Reason.Unreadable, Reason.CpusetUnreadable }
        );
        Assert.Contains(path, kept.Problem?.Message, StringComparison.Ordinal);
        Assert.Contains(errno.Describe(), kept.Problem?.Message, StringComparison.Ordinal);
        Assert.True((kept with { Problem = null }).IsSameAs(known));
    }

    private static IEnumerable<int> Pids(ImmutableArray<ObservedVm> vms) =>
        vms.Select(vm => vm.Key.Pid);
}
