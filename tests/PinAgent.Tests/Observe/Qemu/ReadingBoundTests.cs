using PinAgent.Model.Vm;
using PinAgent.NativeInterop;
using PinAgent.Observe.Cgroups;
using PinAgent.Observe.Files;
using PinAgent.Observe.Qemu;
using PinAgent.Observe.Recording;
using Xunit;

namespace PinAgent.Tests.Observe.Qemu;

/// <summary>However much a tenant writes, it's read to a bound, and a real VM beside it is read as ever.</summary>
public sealed class ReadingBoundTests : IDisposable
{
    private const int Megabyte = 1024 * 1024;

    private readonly FakeHost _host = new FakeHost()
        .MountCgroup2()
        .Write("/proc/uptime", "5000.00 9000.00\n")
        .Write("/sys/fs/cgroup/vm1.scope/cpuset.cpus.effective", "2-5\n");

    [Fact]
    public void A_command_line_of_four_megabytes_costs_no_more_than_its_beginning()
    {
        FakeProcess.Qemu(_host, 4711);
        new FakeProcess(_host, 4800, "evil")
            .Arguments(["/bin/evil", "-machine", "q35", "-smp", "2", .. Filler(4 * Megabyte)])
            .Thread(4801, "CPU 0/KVM");
        new FakeProcess(_host, 4900, "evil")
            .Arguments("/bin/evil", "-name", new string(',', 4 * Megabyte), "-cpu", "x")
            .Thread(4901, "CPU 0/KVM");
        var observer = Observer(_host.Files);
        QemuObservation.Observe(_host, observer);

        var before = GC.GetAllocatedBytesForCurrentThread();
        var vms = QemuObservation.Observe(_host, observer);

        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, Megabyte / 4);
        Assert.Null(vms[0].Problem);
        Assert.Equal((4800, Reason.Unreadable), (vms[1].Key.Pid, vms[1].Problem?.Reason));
        Assert.Contains("more than 64 KiB, and no -name", vms[1].Problem?.Message);
        Assert.Equal(2, vms.Count);
    }

    [Fact]
    public void A_real_VM_with_a_long_command_line_is_read_if_its_name_and_CPUs_come_first()
    {
        FakeProcess
            .Qemu(_host, 4711)
            .Arguments([
                "/usr/bin/qemu-system-x86_64",
                "-name",
                "guest=vm1",
                "-smp",
                "2",
                .. Filler(Bounds.CommandLine),
                "-name",
                "guest=late",
            ]);

        var vm = Assert.Single(QemuObservation.Observe(_host));

        Assert.Equal(("vm1", 2, true), (vm.GuestName, vm.Guest.BootVcpus, vm.CommandLineIsCut));
        Assert.Null(vm.Problem);
    }

    /// <summary>The bytes beyond the bound would make another name of it.</summary>
    [Fact]
    public void An_argument_that_the_bound_cuts_through_is_passed_over()
    {
        const string Begin =
            "/usr/bin/qemu-system-x86_64\0-smp\u00002\0-name\0guest=vm1\0-append\0";
        const string Name = "\0-name\0guest=wrong";
        var filler = new string('x', Bounds.CommandLine - Begin.Length - Name.Length);
        FakeProcess.Qemu(_host, 4711);
        _host.Write("/proc/4711/cmdline", $"{Begin}{filler}{Name}-not\0");

        Assert.Equal("vm1", Assert.Single(QemuObservation.Observe(_host)).GuestName);
    }

    [Fact]
    public void Of_a_process_that_is_no_QEMU_only_the_introduction_is_read()
    {
        for (var pid = 100; pid < 120; pid++)
        {
            new FakeProcess(_host, pid, "sleep").Arguments([
                "/bin/sleep",
                .. Filler(Megabyte),
                "-smp",
                "2",
            ]);
        }

        var seen = new Counter();
        using var files = new HostFiles(_host.Root) { Witness = seen };
        Assert.Empty(Observer(files).Observe(CgroupHierarchy.TryOpen(files, out _), null));

        Assert.Equal(20 * Bounds.Introduction, seen.CommandLines);
    }

    [Fact]
    public void A_guests_name_of_a_hundred_kilobytes_isnt_kept()
    {
        FakeProcess
            .Qemu(_host, 4711)
            .Arguments("qemu-kvm", "-smp", "1", "-name", new string('x', 50_000));

        var vm = Assert.Single(QemuObservation.Observe(_host));

        Assert.Null(vm.GuestName);
        Assert.Equal("QEMU's -name: expected at most 1024 bytes, found 50000", vm.Problem?.Message);
    }

    [Theory]
    [InlineData(17, "at most 16 different keys")]
    [InlineData(3000, "at most 16 different keys")]
    public void Keys_of_smp_are_counted(int keys, string problem) =>
        Assert.Contains(
            problem,
            QemuCommandLineTests
                .Parse("-smp", string.Join(',', Enumerable.Range(0, keys).Select(i => $"k{i}=1")))
                .Problem
        );

    [Fact]
    public void Values_of_smp_are_shown_shortened_and_printable()
    {
        var problem = QemuCommandLineTests
            .Parse("-smp", $"\u001b{new string('9', 50_000)}")
            .Problem;

        Assert.InRange(problem!.Length, 1, 200);
        Assert.DoesNotContain('\u001b', problem);
    }

    [Fact]
    public void A_VMs_threads_beyond_the_bound_are_counted_and_its_vCPUs_kept()
    {
        var qemu = FakeProcess.Qemu(_host, 4711);
        for (var tid = 5000; tid < 5000 + Bounds.OtherThreads + 200; tid++)
        {
            qemu.Thread(tid, "worker");
        }

        qemu.Thread(7000, "IO iothread1");
        var observer = Observer(_host.Files);
        var vm = Assert.Single(QemuObservation.Observe(_host, observer));

        Assert.Null(vm.Problem);
        Assert.Equal(2, vm.Threads.Count(thread => thread.Role == ThreadRole.Vcpu));
        Assert.Contains(vm.Threads, thread => thread.Role == ThreadRole.IoThread);
        Assert.Equal(Bounds.OtherThreads + 202 + 2, vm.Threads.Length + vm.ThreadsLeftOut);
        Assert.InRange(vm.Threads.Length, 4, Bounds.OtherThreads + 6);

        // Its workers come and go without being read at each look; a vCPU that moves is seen.
        qemu.Thread(8000, "worker");
        _host.Delete("/proc/4711/task/5000");
        Assert.True(observer.TryFindChanged([vm], out var changed));
        Assert.Empty(changed);
        qemu.Thread(4712, "CPU 0/KVM", cpus: "9");
        Assert.True(observer.TryFindChanged([vm], out changed));
        Assert.Equal([4711], changed);
    }

    [Fact]
    public void A_VM_with_more_vCPU_threads_than_it_can_have_isnt_understood()
    {
        var qemu = FakeProcess.Qemu(_host, 4711);
        for (var i = 2; i < Bounds.IoThreads + 10; i++)
        {
            qemu.Thread(5000 + i, $"CPU {i}/KVM");
        }

        var vm = Assert.Single(QemuObservation.Observe(_host));

        Assert.Equal(Reason.Unreadable, vm.Problem?.Reason);
        Assert.Contains("vCPUs or I/O threads are among them", vm.Problem?.Message);

        // Nothing is planned for it, so its threads would only be kept to be shown.
        Assert.Equal(Bounds.UnclearThreads, vm.Threads.Length);
        Assert.Equal(Bounds.IoThreads + 11, vm.Threads.Length + vm.ThreadsLeftOut);
        Assert.Equal(ThreadRole.Emulator, vm.Threads[0].Role);
    }

    [Fact]
    public void Of_many_new_processes_each_look_takes_a_part_and_none_is_forgotten()
    {
        var observer = Observer(_host.Files);
        QemuObservation.Observe(_host, observer);
        for (var pid = 10_000; pid < 10_000 + Bounds.YoungAtOnce; pid++)
        {
            _host.Write($"/proc/{pid}/stat", FakeProcess.Stat(pid, "sleep", 499_900));
        }

        FakeProcess.Qemu(_host, 20_000);

        Assert.True(observer.TryFindChanged([], out var changed));
        Assert.Empty(changed);
        Assert.True(observer.TryFindChanged([], out changed));
        Assert.Equal([20_000], changed);
    }

    [Fact]
    public void Of_many_VMs_that_cant_be_understood_each_look_takes_a_part_and_none_is_forgotten()
    {
        var vms = Enumerable
            .Range(1, (2 * Bounds.TroubledAtOnce) + 10)
            .Select(pid => new ObservedVm
            {
                Key = new VmKey(pid, 1),
                Guest = GuestCpus.One,
                Problem = Standing.Unclear(Reason.Unreadable, "odd"),
            })
            .ToArray();
        var observer = Observer(_host.Files);
        var seen = new HashSet<int>();
        for (var look = 0; look < 3; look++)
        {
            observer.TryFindChanged([.. vms], out var changed);
            Assert.Equal(Bounds.TroubledAtOnce, changed.Count);
            seen.UnionWith(changed);
        }

        Assert.Equal(vms.Length, seen.Count);
    }

    [Fact]
    public void VMs_with_thousands_of_threads_that_cant_be_understood_are_read_so_many_threads_a_second()
    {
        ObservedVm[] vms =
        [
            .. Enumerable
                .Range(1, 5)
                .Select(pid => new ObservedVm
                {
                    Key = new VmKey(pid, 1),
                    Guest = GuestCpus.One,
                    ThreadsLeftOut = 4000,
                    Problem = Standing.Unclear(Reason.Unreadable, "odd"),
                }),
        ];
        var observer = Observer(_host.Files);
        var seen = new List<int>();
        for (var second = 0; second < 60; second++)
        {
            _host.Write("/proc/uptime", $"{1000 + second}.00 0.00\n");
            observer.TryFindChanged([.. vms], out var changed);
            seen.AddRange(changed);
        }

        var burst = Bounds.TroubledThreads + (60 * Bounds.TroubledThreadsPerSecond);
        Assert.InRange(seen.Count * 4000, 60 * Bounds.TroubledThreadsPerSecond / 2, burst + 4000);
        Assert.Equal([1, 2, 3, 4, 5], seen.Distinct().Order());
    }

    [Theory]
    [InlineData(100, 20)]
    [InlineData(1000, 2)]
    [InlineData(3000, 1)]
    public void The_more_threads_a_VM_has_the_more_seldom_they_are_read_anew(int threads, int times)
    {
        var qemu = FakeProcess.Qemu(_host, 4711);
        for (var tid = 5000; tid < 5000 + threads; tid++)
        {
            qemu.Thread(tid, "worker");
        }

        var observer = Observer(_host.Files);
        _host.Write("/proc/uptime", "1000.00 0.00\n");
        var vm = Assert.Single(QemuObservation.Observe(_host, observer));
        qemu.Thread(4712, "CPU 0/KVM", cpus: "9");

        var seen = 0;
        for (var tenth = 0; tenth < 20; tenth++)
        {
            _host.Write("/proc/uptime", $"{1000 + (tenth / 10)}.{tenth % 10}0 0.00\n");
            Assert.True(observer.TryFindChanged([vm], out var changed));
            seen += changed.Count;
        }

        Assert.Equal(times, seen);

        // Its end is seen at once.
        _host.Delete("/proc/4711");
        Assert.True(observer.TryFindChanged([vm], out var ended));
        Assert.Equal([4711], ended);
    }

    [Fact]
    public void VMs_whose_threads_change_without_end_share_what_is_read_and_another_is_read_at_once()
    {
        ObservedVm[] vms =
        [
            .. Enumerable.Range(1, 11).Select(number => WithThreads(4000 + number, 500)),
        ];
        var observer = Observer(_host.Files);
        var seen = new List<int>();
        for (var second = 0; second < 60; second++)
        {
            _host.Write("/proc/uptime", $"{1000 + second}.00 0.00\n");

            // The last one's only in the end.
            Assert.True(
                observer.TryFindChanged(second < 59 ? [.. vms[..10]] : [.. vms], out var changed)
            );
            seen.AddRange(changed);
        }

        Assert.InRange(seen.Count * 500, 10 * 500, (60 * Bounds.ChangedThreadsPerSecond) + 5000);
        Assert.Contains(4011, seen);
        Assert.All(vms[..10], vm => Assert.InRange(seen.Count(pid => pid == vm.Key.Pid), 2, 20));

        ObservedVm WithThreads(int pid, int threads)
        {
            var qemu = FakeProcess.Qemu(_host, pid);
            for (var i = 0; i < threads; i++)
            {
                qemu.Thread((pid * 1000) + i, "worker");
            }

            return new ObservedVm { Key = new VmKey(pid, 1), Guest = GuestCpus.One };
        }
    }

    public void Dispose() => _host.Dispose();

    private static QemuObserver Observer(HostFiles files) =>
        new(files, new RecordedAffinityReader(files));

    private static IEnumerable<string> Filler(int length) =>
        Enumerable.Repeat(new string('x', 999), (length / 1000) + 1);

    private sealed class Counter : IFileWitness
    {
        public int CommandLines { get; private set; }

        public void SeeFile(string path, LinuxResult result, ReadOnlySpan<byte> content) =>
            CommandLines += path.EndsWith("/cmdline", StringComparison.Ordinal)
                ? content.Length
                : 0;

        public void SeeLink(string path, LinuxResult result, ReadOnlySpan<byte> target) { }
    }
}
