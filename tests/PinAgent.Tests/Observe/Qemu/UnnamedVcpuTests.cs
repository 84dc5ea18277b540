using PinAgent.Model.Vm;
using PinAgent.NativeInterop;
using PinAgent.Observe.Qemu;
using PinAgent.Report.Status;
using Xunit;

namespace PinAgent.Tests.Observe.Qemu;

/// <summary>KVM guests whose QEMU was started without <c>debug-threads=on</c>.</summary>
public sealed class UnnamedVcpuTests : IDisposable
{
    private const string Name = "qemu-system-x86";

    private readonly FakeHost _host = new FakeHost()
        .MountCgroup2()
        .Write("/proc/uptime", "5000.00 9000.00\n");

    private readonly QemuObserver _observer;
    private readonly FakeProcess _qemu;

    public UnnamedVcpuTests()
    {
        _observer = new QemuObserver(_host.Files, new RecordedAffinityReader(_host.Files));
        _qemu = new FakeProcess(_host, 4711)
            .Arguments("/usr/bin/qemu-system-x86_64", "-name", "vm1", "-smp", "2")
            .Executable("/usr/bin/qemu-system-x86_64")
            .Thread(4712, Name)
            .Thread(4713, Name)
            .Thread(4714, Name)
            .Descriptor(0, "/dev/null")
            .Descriptor(9, "anon_inode:kvm-vm")
            .Descriptor(28, "anon_inode:kvm-vcpu:0")
            .Descriptor(29, "anon_inode:kvm-vcpu:1");
    }

    [Fact]
    public void Knows_a_vCPU_by_the_file_it_runs()
    {
        _qemu
            .RunsVcpu(4714, 28)
            .RunsVcpu(4713, 29)
            .Syscall(4712, "7 0x7f 0x2 0x3e8 0x0 0x0 0x0 0x7f 0x7f");

        Check(problem: null, "4711:emulator 4712:helper 4713:vcpu1 4714:vcpu0");
    }

    [Theory]
    [InlineData("/usr/bin/qemu-system-x86_64 (deleted)")]
    [InlineData("/usr/libexec/qemu-kvm")]
    [InlineData("/usr/libexec/qemu-kvm (deleted)")]
    public void Knows_a_QEMU_whose_package_was_updated_since(string executable)
    {
        _qemu.Executable(executable).RunsVcpu(4713, 28).RunsVcpu(4714, 29);

        Check(problem: null, "4711:emulator 4712:helper 4713:vcpu0 4714:vcpu1");
    }

    [Fact]
    public void Remembers_over_several_passes_what_it_has_seen()
    {
        _qemu.Syscall(4713, "running").Syscall(4714, "running");
        Check(Reason.ThreadsUnnamed, "4711:emulator 4712:helper 4713:helper 4714:helper");

        _qemu.RunsVcpu(4713, 28);
        Check(Reason.ThreadsUnnamed, "4711:emulator 4712:helper 4713:helper 4714:helper");

        _qemu.Syscall(4713, "running").RunsVcpu(4714, 29);
        Check(problem: null, "4711:emulator 4712:helper 4713:vcpu0 4714:vcpu1");

        _qemu.Syscall(4714, "202 0x7f 0x80 0x2 0x0 0x0 0x0 0x7f 0x7f");
        Check(problem: null, "4711:emulator 4712:helper 4713:vcpu0 4714:vcpu1");
    }

    [Fact]
    public void Says_how_many_vCPUs_havent_been_seen_running()
    {
        _qemu.RunsVcpu(4713, 28);

        var problem = Assert.Single(Observe()).Problem;

        Assert.Contains(
            "1 of 2 vCPUs haven't been seen running yet",
            problem?.Message,
            StringComparison.Ordinal
        );
    }

    [Fact]
    public void Forgets_a_thread_that_has_ended()
    {
        _qemu.RunsVcpu(4713, 28);
        Observe();

        // The same id, another thread.
        _qemu.Thread(4713, Name, startTime: 2000).Syscall(4713, "running").RunsVcpu(4714, 29);

        Check(Reason.ThreadsUnnamed, "4711:emulator 4712:helper 4713:helper 4714:helper");
    }

    [Fact]
    public void Forgets_a_QEMU_that_has_ended()
    {
        _qemu.RunsVcpu(4713, 28).RunsVcpu(4714, 29);
        Observe();
        _host.Write("/proc/4711/stat", FakeProcess.Stat(4711, Name, startTime: 3000));
        _qemu.Syscall(4713, "running").Syscall(4714, "running");

        Check(Reason.ThreadsUnnamed, "4711:emulator 4712:helper 4713:helper 4714:helper");
    }

    [Fact]
    public void Cant_tell_which_of_two_threads_runs_a_vCPU()
    {
        _qemu.RunsVcpu(4712, 28).RunsVcpu(4713, 28).RunsVcpu(4714, 29);
        Check(Reason.VcpuThreadsAmbiguous, "4711:emulator 4712:helper 4713:helper 4714:helper");

        _qemu.Syscall(4712, "running");
        Check(problem: null, "4711:emulator 4712:helper 4713:vcpu0 4714:vcpu1");
    }

    [Theory]
    [InlineData("kvm-nx-lpage-re")]
    [InlineData("kvm-nx-lpage-recovery")]
    [InlineData("vhost-4711")]
    public void Ignores_a_thread_that_the_kernel_has_put_into_QEMU(string name)
    {
        _qemu.Thread(4715, name).RunsVcpu(4715, 28).RunsVcpu(4713, 28).RunsVcpu(4714, 29);

        var role = name.StartsWith("vhost", StringComparison.Ordinal) ? "vhost" : "helper";
        Check(problem: null, $"4711:emulator 4712:helper 4713:vcpu0 4714:vcpu1 4715:{role}");
    }

    [Fact]
    public void Doesnt_need_KVM_to_know_threads_that_have_names()
    {
        _qemu.Thread(4713, "CPU 0/KVM").Thread(4714, "CPU 1/KVM");
        _host.Delete("/proc/4711/fd");

        Check(problem: null, "4711:emulator 4712:helper 4713:vcpu0 4714:vcpu1");
    }

    [Fact]
    public void Says_which_right_is_missing_to_look_at_QEMUs_files()
    {
        _host.Delete("/proc/4711/fd");

        var problem = Assert.Single(Observe()).Problem;

        Assert.Equal(Reason.ThreadsUnnamed, problem?.Reason);
        Assert.Contains("CAP_SYS_PTRACE", problem?.Message, StringComparison.Ordinal);
        Assert.Contains("debug-threads=on", problem?.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Says_that_unnamed_threads_without_KVM_cant_be_known()
    {
        _host.Delete("/proc/4711/fd/28").Delete("/proc/4711/fd/29");

        var problem = Assert.Single(Observe()).Problem;

        Assert.Equal(Reason.ThreadsUnnamed, problem?.Reason);
        Assert.Contains("doesn't use KVM", problem?.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("kvm", "/usr/bin/kvm", "/usr/bin/qemu-system-x86_64")]
    [InlineData("kvm", "/usr/bin/kvm", null)]
    [InlineData("foo", "./foo", "/home/me/foo")]
    [InlineData("foo", "./foo", null)]
    [InlineData(
        "qemu-virtiofs-s",
        "/opt/qemu-virtiofs-system-x86_64",
        "/opt/qemu-virtiofs-system-x86_64 (deleted)"
    )]
    public void Knows_a_QEMU_of_any_name_by_its_executable_or_KVMs_descriptors(
        string name,
        string program,
        string? executable
    )
    {
        Rename(name, program, "-name", "vm1", "-smp", "2");
        if (executable is null)
        {
            _host.Delete("/proc/4711/exe");
        }
        else
        {
            _qemu.Executable(executable);
        }

        _qemu.RunsVcpu(4714, 28).RunsVcpu(4713, 29);

        Check(problem: null, "4711:emulator 4712:helper 4713:vcpu1 4714:vcpu0");
    }

    // QEMU 7.2, copied and started as ./foo -accel tcg -name … -smp 2: nothing tells its threads.
    [Fact]
    public void A_QEMU_of_any_name_without_KVM_is_shown()
    {
        Rename("foo", "./foo", "-S", "-accel", "tcg,thread=multi", "-name", "vm1", "-smp", "2");
        _qemu.Executable("/home/me/foo");
        _host.Delete("/proc/4711/fd");

        Check(Reason.ThreadsUnnamed, "4711:emulator 4712:helper 4713:helper 4714:helper");
    }

    [Theory]
    // Two options aren't enough, nor a script's arguments, nor a program that waits for its QEMU.
    [InlineData(4, "node", "--name", "a", "--device", "b")]
    [InlineData(4, "python3", "run.py", "-machine", "q35", "-smp", "2", "-name", "vm1")]
    [InlineData(1, "sudo", "-n", "-machine", "q35", "-smp", "2", "-name", "vm1")]
    [InlineData(2, "wrapper", "-machine", "q35", "-smp", "2", "-name", "vm1")]
    public void A_program_that_is_only_given_QEMUs_options_isnt_one(
        int threads,
        string program,
        params string[] arguments
    )
    {
        Rename(program, program, arguments);
        _qemu.Executable($"/usr/bin/{program}");
        _host.Delete("/proc/4711/fd");
        for (var tid = 4711 + threads; tid <= 4714; tid++)
        {
            _host.Delete($"/proc/4711/task/{tid}");
        }

        Assert.Empty(Observe());
    }

    [Fact]
    public void KVMs_descriptors_are_looked_for_among_the_first_only()
    {
        Rename("foo", "./foo", "-name", "vm1", "-smp", "2");
        _qemu.Executable("/home/me/foo");
        _host.Delete("/proc/4711/fd");
        for (var descriptor = 0; descriptor < 300; descriptor++)
        {
            _qemu.Descriptor(descriptor, "/dev/null");
        }

        var read = 0;
        _host.Files.Faults = path =>
        {
            read += path.StartsWith("/proc/4711/fd/", StringComparison.Ordinal) ? 1 : 0;
            return default;
        };

        Assert.Empty(Observe());
        Assert.InRange(read, 1, 128);
    }

    [Theory]
    [InlineData("/proc/4711/exe")]
    [InlineData("/proc/4711/fd")]
    [InlineData("/proc/4711/fd/9")]
    public void A_moment_without_free_files_doesnt_end_a_VM(string path)
    {
        Rename("kvm", "/usr/bin/kvm", "-name", "vm1", "-smp", "2");
        if (path != "/proc/4711/exe")
        {
            _qemu.Executable("/home/me/foo");
        }

        _host.Delete(path == "/proc/4711/exe" ? "/proc/4711/fd/9" : "/proc/4711/fd/0");
        Assert.Equal("vm1", Assert.Single(Observe()).GuestName);
        _host.Files.Faults = read =>
            read == path || read.StartsWith("/proc/4711/fd/", StringComparison.Ordinal)
                ? Errno.EMFILE
                : Errno.None;

        var vm = Assert.Single(Observe());

        Assert.Equal(Reason.Unreadable, vm.Problem?.Reason);
    }

    [Fact]
    public void Says_that_QEMU_11_names_its_threads()
    {
        var message = Assert.Single(Observe()).Problem?.Message;

        Assert.Contains("QEMU 11 and later", message, StringComparison.Ordinal);
        Assert.Contains(
            "QEMU 11 and later",
            ReasonActions.Of(Reason.ThreadsUnnamed),
            StringComparison.Ordinal
        );
    }

    public void Dispose() => _host.Dispose();

    private void Rename(string name, string program, params string[] arguments)
    {
        _host.Write("/proc/4711/stat", FakeProcess.Stat(4711, name, 1000));
        _qemu.Arguments([program, .. arguments]);
    }

    private IReadOnlyList<ObservedVm> Observe() => QemuObservation.Observe(_host, _observer);

    private void Check(Reason? problem, string roles)
    {
        var vm = Assert.Single(Observe());

        Assert.Equal(roles, QemuObservation.Roles(vm));
        Assert.Equal(problem, vm.Problem?.Reason);
    }
}
