using PinAgent.Model.Node;
using PinAgent.Model.Vm;
using PinAgent.NativeInterop;
using PinAgent.Observe;
using PinAgent.Observe.Kubelet;
using PinAgent.Observe.Qemu;
using Xunit;

namespace PinAgent.Tests.Loop;

/// <summary>Each second the agent looks only for what has changed; nothing that matters may escape it.</summary>
public sealed class NodeChangeTests : IDisposable
{
    private const string Cpuset = "/sys/fs/cgroup/vm1.scope/cpuset.cpus.effective";

    private readonly FakeHost _host = new();
    private readonly NodeObserver _observer;
    private readonly FakeProcess _qemu;

    public NodeChangeTests()
    {
        _host
            .MountCgroup2()
            .Write("/sys/devices/system/cpu/online", "0-15\n")
            .Write("/proc/uptime", "1000.00 0.00\n")
            .Write(Cpuset, "2-3\n");
        _qemu = FakeProcess.Qemu(_host, 100);
        _observer = new NodeObserver(
            _host.Files,
            new RecordedAffinityReader(_host.Files),
            CpuManagerObserver.DefaultKubeletRoot
        );
    }

    [Fact]
    public void Where_nothing_has_changed_the_snapshot_is_the_very_same()
    {
        _ = new FakeProcess(_host, 50, "bash");
        var before = _observer.Observe();

        Assert.Same(before, _observer.ObserveChanges(before));
        Assert.Same(before, _observer.ObserveChanges(before));
    }

    [Fact]
    public void Threads_that_come_go_or_have_another_mask_are_seen()
    {
        var before = _observer.Observe();

        _qemu.Thread(103, "worker");
        var more = _observer.ObserveChanges(before);
        Assert.Equal([100, 101, 102, 103], Tids(more));

        _host.Delete("/proc/100/task/102");
        var fewer = _observer.ObserveChanges(more);
        Assert.Equal([100, 101, 103], Tids(fewer));

        _qemu.Thread(101, "CPU 0/KVM", cpus: "5");
        var moved = _observer.ObserveChanges(fewer);
        Assert.Equal("5", $"{Thread(moved, 101).Affinity}");
        Assert.Same(moved, _observer.ObserveChanges(moved));
    }

    [Fact]
    public void A_cpuset_that_changes_is_seen()
    {
        var before = _observer.Observe();

        _host.Write(Cpuset, "2-5\n");
        var after = _observer.ObserveChanges(before);

        Assert.Equal("2-5", $"{after.Vms[0].Cpuset}");
        Assert.Same(after, _observer.ObserveChanges(after));
    }

    [Fact]
    public void Where_a_thread_names_itself_the_others_are_taken_as_they_were()
    {
        var before = _observer.Observe();
        _qemu.Thread(101, "CPU 0/KVM", cpus: "5").Thread(103, "IO iothread1", cpus: "7");

        var named = _observer.ObserveNamed(before, [new NamedThread(103, 100, 0)]);

        Assert.Same(Thread(before, 101), Thread(named, 101));
        Assert.Equal(ThreadRole.IoThread, Thread(named, 103).Role);
        Assert.Equal("7", $"{Thread(named, 103).Affinity}");

        _qemu.Thread(103, "IO iothread2");
        var again = _observer.ObserveNamed(named, [new NamedThread(103, 100, 0)]);
        Assert.Equal(2, Thread(again, 103).Index);
        Assert.Equal("5", $"{Thread(_observer.ObserveChanges(again), 101).Affinity}");
    }

    [Fact]
    public void Where_the_VMs_cpuset_is_another_one_as_well_all_its_threads_are_read()
    {
        var before = _observer.Observe();
        _host.Write(Cpuset, "4-5\n");
        _qemu.Thread(101, "CPU 0/KVM", cpus: "5");

        var named = _observer.ObserveNamed(before, [new NamedThread(102, 100, 0)]);

        Assert.Equal("5", $"{Thread(named, 101).Affinity}");
    }

    /// <summary>Two VMs in one cgroup: one of them is looked at for its thread's name, and reads what is new.</summary>
    [Fact]
    public void What_one_VM_was_told_of_its_cpuset_the_other_in_it_hears_too()
    {
        FakeProcess.Qemu(_host, 200);
        var before = _observer.Observe();
        _host.Write(Cpuset, "2-5\n");

        var named = _observer.ObserveNamed(before, [new NamedThread(101, 100, 0)]);
        Assert.Equal(["2-5", "2-3"], named.Vms.Select(vm => $"{vm.Cpuset}"));

        var after = _observer.ObserveChanges(named);
        Assert.Equal(["2-5", "2-5"], after.Vms.Select(vm => $"{vm.Cpuset}"));
    }

    [Fact]
    public void A_VM_that_ends_and_one_that_begins_are_seen()
    {
        var before = _observer.Observe();

        FakeProcess.Qemu(_host, 200);
        var two = _observer.ObserveChanges(before);
        Assert.Equal([100, 200], two.Vms.Select(vm => vm.Key.Pid));

        _host.Delete("/proc/100");
        var one = _observer.ObserveChanges(two);
        Assert.Equal([200], one.Vms.Select(vm => vm.Key.Pid));
    }

    /// <summary>libvirt forks, and the child becomes QEMU: no new process comes with that.</summary>
    [Fact]
    public void A_process_that_becomes_a_QEMU_soon_after_its_fork_is_seen()
    {
        var before = _observer.Observe();
        const ulong JustNow = 99_900;
        _ = new FakeProcess(_host, 300, "virtqemud", JustNow).Arguments("/usr/sbin/virtqemud");
        Assert.Same(before, _observer.ObserveChanges(before));

        _ = new FakeProcess(_host, 300, startTime: JustNow)
            .Cgroup("0::/vm1.scope\n")
            .Arguments("/usr/bin/qemu-system-x86_64", "-smp", "1")
            .Thread(301, "CPU 0/KVM");
        var after = _observer.ObserveChanges(before);

        Assert.Equal([100, 300], after.Vms.Select(vm => vm.Key.Pid));
    }

    [Fact]
    public void A_VM_that_lacks_something_is_looked_at_until_it_has_it()
    {
        _host.Write(Cpuset, "\n");
        var before = _observer.Observe();
        Assert.Equal(Reason.CpusetEmpty, before.Vms[0].Problem?.Reason);
        Assert.Same(before, _observer.ObserveChanges(before));

        _host.Write(Cpuset, "2-3\n");
        Assert.Null(_observer.ObserveChanges(before).Vms[0].Problem);
    }

    /// <summary>Before Linux 6.4 they are processes of the kernel's own.</summary>
    [Fact]
    public void The_kernels_own_threads_for_a_VM_are_seen_as_they_come_and_go()
    {
        var before = _observer.Observe();

        FakeProcess.Kernel(_host, 400, "vhost-100", startTime: 2000);
        var with = _observer.ObserveChanges(before);
        Assert.Equal([100, 101, 102, 400], Tids(with));
        Assert.Same(with, _observer.ObserveChanges(with));

        _host.Delete("/proc/400");
        Assert.Equal([100, 101, 102], Tids(_observer.ObserveChanges(with)));
    }

    [Fact]
    public void A_CPU_that_goes_offline_is_seen()
    {
        var before = _observer.Observe();
        _host.Write("/sys/devices/system/cpu/online", "0-14\n");

        Assert.Equal("0-14", $"{_observer.ObserveChanges(before).Topology.Online}");
    }

    [Fact]
    public void The_kubelets_checkpoint_is_seen_as_it_comes_changes_and_goes()
    {
        const string Path = "/var/lib/kubelet/cpu_manager_state";
        var none = _observer.Observe();

        _host.Write(Path, """{"policyName":"static","defaultCpuSet":"0-15","checksum":0}""");
        var all = _observer.ObserveChanges(none);
        Assert.Equal("0-15", $"{all.CpuManager.SharedPool}");

        _host.Write(Path, """{"policyName":"static","defaultCpuSet":"0-3","checksum":0}""");
        var some = _observer.ObserveChanges(all);
        Assert.Equal("0-3", $"{some.CpuManager.SharedPool}");
        Assert.Same(some, _observer.ObserveChanges(some));

        _host.Delete(Path);
        Assert.Null(_observer.ObserveChanges(some).CpuManager.SharedPool);
    }

    public void Dispose()
    {
        _observer.Dispose();
        _host.Dispose();
    }

    private static IEnumerable<int> Tids(NodeSnapshot snapshot) =>
        snapshot.Vms.Single().Threads.Select(thread => thread.Tid);

    private static VmThread Thread(NodeSnapshot snapshot, int tid) =>
        snapshot.Vms.Single().Threads.Single(thread => thread.Tid == tid);
}
