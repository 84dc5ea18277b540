using PinAgent.Model.Cpu;
using PinAgent.Model.Vm;
using PinAgent.Observe.Qemu;
using Xunit;

namespace PinAgent.Tests.Observe.Qemu;

/// <summary>Which processes are VMs, and which thread of them does what.</summary>
public sealed class QemuObserverTests : IDisposable
{
    private readonly FakeHost _host = new FakeHost()
        .MountCgroup2()
        .Write("/proc/uptime", "5000.00 9000.00\n")
        .Write("/sys/fs/cgroup/vm1.scope/cpuset.cpus.effective", "2-5\n");

    [Fact]
    public void Finds_a_guest_with_its_named_threads()
    {
        FakeProcess
            .Qemu(_host, 4711)
            .Thread(4714, "IO iothread1", "2")
            .Thread(4715, "IO mon_iothread")
            .Thread(4716, "worker")
            .Thread(4717, "vhost-4711");

        var vm = Assert.Single(Observe());

        Assert.Equal(new VmKey(4711, 1000), vm.Key);
        Assert.Equal("vm1", vm.GuestName);
        Assert.Equal("1×2×1", vm.Guest.Full.ToString());
        Assert.Null(vm.Problem);
        Assert.Equal(
            "4711:emulator 4712:vcpu0 4713:vcpu1 4714:iothread1 4715:helper 4716:helper 4717:vhost",
            Roles(vm)
        );
        Assert.Equal("2", vm.Threads[3].Affinity?.ToString());
        Assert.Equal("CPU 0/KVM", vm.Threads[1].Comm);
        Assert.All(vm.Threads, thread => Assert.Equal(1000UL, thread.StartTime));
    }

    [Fact]
    public void Finds_guests_in_the_order_of_their_process_ids()
    {
        FakeProcess.Qemu(_host, 10_000);
        FakeProcess.Qemu(_host, 900);
        FakeProcess.Qemu(_host, 4711);

        Assert.Equal([900, 4711, 10_000], Observe().Select(vm => vm.Key.Pid));
    }

    [Fact]
    public void Finds_a_QEMU_of_another_name_by_its_arguments_and_threads()
    {
        new FakeProcess(_host, 4711, "kvm")
            .Cgroup("0::/vm1.scope\n")
            .Arguments("/usr/bin/kvm", "-id", "100", "-machine", "q35", "-smp", "1")
            .Thread(4712, "CPU 0/KVM");

        Assert.Equal("4711:emulator 4712:vcpu0", Roles(Assert.Single(Observe())));
    }

    [Fact]
    public void Ignores_a_program_that_only_calls_its_threads_like_vCPUs()
    {
        new FakeProcess(_host, 4711, "python3")
            .Arguments("python3", "-c", "pretend()", "-name", "guest=vm1", "--vcpus", "2")
            .Thread(4712, "CPU 0/KVM")
            .Thread(4713, "CPU 1/KVM");

        Assert.Empty(Observe());
    }

    [Fact]
    public void Ignores_a_program_with_QEMUs_arguments_and_no_vCPU()
    {
        new FakeProcess(_host, 4711, "wrapper")
            .Arguments("/usr/bin/wrapper", "-machine", "q35", "-smp", "2", "-name", "vm1")
            .Thread(4712, "worker");

        Assert.Empty(Observe());
    }

    [Fact]
    public void Ignores_a_shell_script_around_QEMU()
    {
        new FakeProcess(_host, 4711)
            .Arguments("/bin/bash", "/usr/bin/qemu-system-x86_64", "-machine", "q35", "-smp", "2")
            .Executable("/bin/bash");

        Assert.Empty(Observe());
    }

    [Fact]
    public void Ignores_a_probe_without_a_machine()
    {
        new FakeProcess(_host, 4711)
            .Arguments(
                "/usr/bin/qemu-system-x86_64",
                "-S",
                "-no-user-config",
                "-machine",
                "none,accel=kvm:tcg"
            )
            .Executable("/usr/bin/qemu-system-x86_64")
            .Thread(4712, "CPU 0/KVM");

        Assert.Empty(Observe());
    }

    [Fact]
    public void Ignores_a_zombie()
    {
        FakeProcess.Qemu(_host, 4711).Arguments();

        Assert.Empty(Observe());
    }

    [Theory]
    [InlineData("")]
    [InlineData("4711 (qemu-system-x86")]
    [InlineData("4711 (qemu-system-x86) S 1 4711 4711 0 -1 4194560 0 0 0 0 51 7 0 0 20 0 9 0 10")]
    public void Ignores_a_process_whose_stat_is_cut_short(string stat)
    {
        FakeProcess.Qemu(_host, 4711);
        _host.Write("/proc/4711/stat", stat);
        FakeProcess.Qemu(_host, 5000);

        Assert.Equal([5000], Observe().Select(vm => vm.Key.Pid));
    }

    [Theory]
    [InlineData("stat")]
    [InlineData("cmdline")]
    [InlineData("task")]
    public void Ignores_a_process_that_ends_while_it_is_looked_at(string file)
    {
        FakeProcess.Qemu(_host, 4711);
        _host.Delete($"/proc/4711/{file}");

        Assert.Empty(Observe());
    }

    [Fact]
    public void Loses_only_the_thread_that_ends_while_it_is_looked_at()
    {
        FakeProcess
            .Qemu(_host, 4711)
            .Thread(4714, "worker")
            .Thread(4715, "worker")
            .Thread(4716, "worker");
        _host
            .Delete("/proc/4711/task/4714/stat")
            .Delete("/proc/4711/task/4715/status")
            .Delete("/proc/4711/task/4715/cgroup")
            .Write("/proc/4711/task/4716/stat", "4716 (wor");

        var vm = Assert.Single(Observe());

        Assert.Equal("4711:emulator 4712:vcpu0 4713:vcpu1 4715:helper", Roles(vm));
        Assert.Null(vm.Threads[3].Affinity);
        Assert.Null(vm.Threads[3].OwnCpuset);
        Assert.Null(vm.Problem);
    }

    [Fact]
    public void Never_takes_the_first_thread_for_anything_but_the_emulator()
    {
        new FakeProcess(_host, 4711, "CPU 1/KVM")
            .Cgroup("0::/vm1.scope\n")
            .Arguments("/usr/bin/qemu-system-x86_64", "-smp", "1")
            .Thread(4712, "CPU 0/KVM");

        var vm = Assert.Single(Observe());

        Assert.Equal("4711:emulator 4712:vcpu0", Roles(vm));
        Assert.Null(vm.Problem);
    }

    [Fact]
    public void Cant_tell_two_threads_of_one_name_apart()
    {
        FakeProcess.Qemu(_host, 4711).Thread(4714, "CPU 1/KVM");

        var problem = Assert.Single(Observe()).Problem;

        Assert.Equal(Reason.VcpuThreadsAmbiguous, problem?.Reason);
        Assert.StartsWith(
            "threads 4713 and 4714 are both called CPU 1/KVM",
            problem?.Message,
            StringComparison.Ordinal
        );
    }

    [Fact]
    public void Waits_for_a_QEMU_that_has_just_started_to_make_its_vCPUs()
    {
        var process = new FakeProcess(_host, 4711, startTime: 499_500)
            .Cgroup("0::/vm1.scope\n")
            .Arguments("/usr/bin/qemu-system-x86_64", "-smp", "3,maxcpus=4")
            .Thread(4712, "CPU 0/KVM")
            .Thread(4713, "CPU 1/KVM");

        var problem = Assert.Single(Observe()).Problem;
        Assert.Equal(Reason.VcpuThreadsStarting, problem?.Reason);
        Assert.Contains("2 of 3 vCPU threads", problem?.Message, StringComparison.Ordinal);

        process.Thread(4714, "CPU 2/KVM");
        Assert.Null(Assert.Single(Observe()).Problem);
    }

    [Theory]
    [InlineData("guest=vm1,debug-threads=on", Reason.VcpuThreadsStarting)]
    [InlineData("guest=vm1", Reason.ThreadsUnnamed)]
    [InlineData("guest=debug-threads=on", Reason.ThreadsUnnamed)]
    public void Waits_for_the_first_vCPU_of_one_that_will_name_it(string name, Reason expected)
    {
        new FakeProcess(_host, 4711, startTime: 499_500)
            .Cgroup("0::/vm1.scope\n")
            .Arguments("/usr/bin/qemu-system-x86_64", "-smp", "3", "-name", name)
            .Thread(4712, "qemu-system-x86");

        Assert.Equal(expected, Assert.Single(Observe()).Problem?.Reason);
    }

    [Theory]
    [InlineData(new int[0])]
    [InlineData(new[] { 4712 })]
    public void One_that_exits_is_gone_once_it_has_lost_a_vCPU(int[] vcpusLeft)
    {
        var process = new FakeProcess(_host, 4711)
            .Cgroup("0::/vm1.scope\n")
            .Arguments("/usr/bin/qemu-system-x86_64", "-smp", "2");
        foreach (var tid in vcpusLeft)
        {
            process.Thread(tid, $"CPU {tid - 4712}/KVM");
        }

        Assert.Single(Observe());

        const int exiting = 0x0040_0104;
        _host.Write("/proc/4711/stat", FakeProcess.Stat(4711, "qemu-system-x86", 1000, exiting));
        Assert.Empty(Observe());
    }

    [Fact]
    public void Says_that_single_threaded_emulation_cant_be_pinned()
    {
        new FakeProcess(_host, 4711)
            .Cgroup("0::/vm1.scope\n")
            .Arguments("/usr/bin/qemu-system-x86_64", "-smp", "2")
            .Thread(4712, "ALL CPUs/TCG");

        Assert.Equal(Reason.VcpusShareOneThread, Assert.Single(Observe()).Problem?.Reason);
    }

    [Fact]
    public void Says_what_it_doesnt_understand_of_the_command_line()
    {
        FakeProcess.Qemu(_host, 4711).Arguments("qemu-kvm", "-name", "vm1", "-smp", "many");

        var vm = Assert.Single(Observe());

        Assert.Equal("vm1", vm.GuestName);
        Assert.Equal(Reason.Unreadable, vm.Problem?.Reason);
        Assert.Contains("\"many\"", vm.Problem?.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("""{"qom-\ud800type":"iothread","id":"io1"}""")]
    [InlineData("""{"qom-type":"iothread","id":"\ud800"}""")]
    [InlineData("""{"qom-type":"io\udc00"}""")]
    public void An_object_whose_name_is_no_text_costs_nobody_a_look(string json)
    {
        FakeProcess.Qemu(_host, 4711);
        FakeProcess.Qemu(_host, 4800).Arguments("qemu-kvm", "-name", "evil", "-object", json);

        Assert.Contains(Observe(), vm => vm is { Key.Pid: 4711, Problem: null });
    }

    [Fact]
    public void A_process_that_brings_out_a_fault_of_ours_costs_its_owner_alone()
    {
        FakeProcess.Qemu(_host, 4711);
        FakeProcess.Qemu(_host, 4800).Thread(4801, "CPU 0/KVM");
        var affinity = new FaultyReader(new RecordedAffinityReader(_host.Files));
        using var observer = new QemuObserver(_host.Files, affinity);
        Assert.Equal(2, QemuObservation.Observe(_host, observer).Count);

        affinity.Faulty = 4800;
        var vms = QemuObservation.Observe(_host, observer);

        Assert.Equal([4711, 4800], vms.Select(vm => vm.Key.Pid));
        Assert.Null(vms[0].Problem);
        Assert.Equal(Reason.Unreadable, vms[1].Problem?.Reason);
        Assert.Contains("brings out a fault in PinAgent", vms[1].Problem?.Message);
        affinity.Faulty = 0;
        Assert.Null(QemuObservation.Observe(_host, observer)[1].Problem);
    }

    [Fact]
    public void Names_the_folder_where_there_are_no_processes()
    {
        _host.Delete("/proc");

        var problem = Assert.Throws<InvalidDataException>(() =>
            new QemuObserver(_host.Files, new RecordedAffinityReader(_host.Files)).Observe(
                null,
                null
            )
        );

        Assert.StartsWith(
            $"{_host.PathOf("/proc")}: no such file or directory (ENOENT)",
            problem.Message,
            StringComparison.Ordinal
        );
    }

    public void Dispose() => _host.Dispose();

    private IReadOnlyList<ObservedVm> Observe() => QemuObservation.Observe(_host);

    private static string Roles(ObservedVm vm) => QemuObservation.Roles(vm);

    /// <summary>Has a fault of ours where one process is read.</summary>
    private sealed class FaultyReader(IAffinityReader inner) : IAffinityReader
    {
        public int Faulty { get; set; }

        public CpuSet? Read(int pid, int tid) =>
            pid == Faulty ? throw new InvalidOperationException("a fault") : inner.Read(pid, tid);

        public bool IsStill(int pid, int tid, CpuSet? cpus) => inner.IsStill(pid, tid, cpus);

        public bool IsStill(int pid, int tid, ThreadScheduling scheduling) =>
            inner.IsStill(pid, tid, scheduling);
    }
}
