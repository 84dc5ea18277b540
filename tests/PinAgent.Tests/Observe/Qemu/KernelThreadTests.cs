using PinAgent.Model.Vm;
using Xunit;

namespace PinAgent.Tests.Observe.Qemu;

/// <summary>The kernel's own threads for a VM: vhost workers before Linux 6.4, and the PIT.</summary>
public sealed class KernelThreadTests : IDisposable
{
    private readonly FakeHost _host = new FakeHost().MountCgroup2();

    [Fact]
    public void Gives_kernel_threads_to_the_QEMU_they_are_named_after()
    {
        FakeProcess.Qemu(_host, 4711).NamespacePids(4711, 77);
        FakeProcess.Qemu(_host, 5000).NamespacePids(5000, 88);
        FakeProcess.Kernel(_host, 4800, "vhost-4711", 1001);
        FakeProcess.Kernel(_host, 4801, "vhost-4711", 1001);
        FakeProcess.Kernel(_host, 4802, "kvm-pit/77", 1001);
        FakeProcess.Kernel(_host, 5100, "vhost-5000", 1001);

        var vms = QemuObservation.Observe(_host);

        Assert.Equal(
            [
                "4711:emulator 4712:vcpu0 4713:vcpu1 4800:vhost 4801:vhost 4802:kvm-pit",
                "5000:emulator 5001:vcpu0 5002:vcpu1 5100:vhost",
            ],
            vms.Select(QemuObservation.Roles)
        );
        Assert.All(
            KernelThreads(vms[0]),
            thread =>
            {
                Assert.True(thread.IsKernelProcess);
                Assert.False(thread.IsAmbiguous);
                Assert.Equal("0-15", thread.Affinity?.ToString());
                Assert.Equal(1001UL, thread.StartTime);
            }
        );
    }

    [Fact]
    public void Cant_tell_whose_timer_it_is_where_two_QEMUs_have_one_id_in_their_pods()
    {
        FakeProcess.Qemu(_host, 4711).NamespacePids(4711, 77);
        FakeProcess.Qemu(_host, 5000).NamespacePids(5000, 77);
        FakeProcess.Kernel(_host, 4802, "kvm-pit/77", 1001);
        FakeProcess.Kernel(_host, 4803, "vhost-4711", 1001);

        var vms = QemuObservation.Observe(_host);

        Assert.True(Assert.Single(KernelThreads(vms[1])).IsAmbiguous);
        Assert.Equal(
            [("kvm-pit/77", true), ("vhost-4711", false)],
            KernelThreads(vms[0]).Select(thread => (thread.Comm, thread.IsAmbiguous))
        );
    }

    [Theory]
    [InlineData("firecracker", 1000UL, true, "a VM of another kind")]
    [InlineData("sleep", 1000UL, true, "whatever it's called")]
    [InlineData("firecracker", 1001UL, true, "begun in the same tick")]
    [InlineData("firecracker", 1002UL, false, "younger than the thread")]
    public void Leaves_a_timer_alone_that_a_process_of_the_same_id_in_another_pod_could_own(
        string name,
        ulong startTime,
        bool isAmbiguous,
        string why
    )
    {
        FakeProcess.Qemu(_host, 4711).NamespacePids(4711, 77);
        new FakeProcess(_host, 3000, name, startTime).Arguments(name).NamespacePids(3000, 5, 77);
        FakeProcess.Kernel(_host, 4802, "kvm-pit/77", 1001);
        FakeProcess.Kernel(_host, 4803, "vhost-4711", 1001);

        var vm = Assert.Single(QemuObservation.Observe(_host));

        Assert.True(
            KernelThreads(vm)
                .Select(thread => (thread.Comm, thread.IsAmbiguous))
                .SequenceEqual([("kvm-pit/77", isAmbiguous), ("vhost-4711", false)]),
            why
        );
    }

    [Fact]
    public void A_process_whose_files_are_all_seen_and_none_is_a_VM_owns_no_timer()
    {
        FakeProcess
            .Qemu(_host, 4711)
            .NamespacePids(4711, 77)
            .Descriptor(9, "anon_inode:kvm-vm")
            .Descriptor(0, "/dev/null");
        new FakeProcess(_host, 3000, "sleep")
            .NamespacePids(3000, 77)
            .Descriptor(0, "/dev/null")
            .Descriptor(1, "anon_inode:[eventpoll]");
        FakeProcess.Kernel(_host, 4802, "kvm-pit/77", 1001);

        Assert.False(
            Assert.Single(KernelThreads(Assert.Single(QemuObservation.Observe(_host)))).IsAmbiguous
        );
    }

    [Fact]
    public void One_that_only_poses_as_QEMU_gets_nobodys_timer()
    {
        FakeProcess.Qemu(_host, 4711).NamespacePids(4711, 77).Descriptor(0, "/dev/null");
        new FakeProcess(_host, 3000, "firecracker")
            .NamespacePids(3000, 77)
            .Descriptor(5, "anon_inode:kvm-vm");
        FakeProcess.Kernel(_host, 4802, "kvm-pit/77", 1001);

        Assert.Empty(KernelThreads(Assert.Single(QemuObservation.Observe(_host))));
    }

    [Fact]
    public void The_kernels_own_threads_own_no_timer_and_what_cant_be_read_may()
    {
        FakeProcess.Qemu(_host, 4711).NamespacePids(4711, 77);
        FakeProcess.Kernel(_host, 77, "migration/12", 1);
        _host.Write("/proc/77/status", "NSpid:\t77\n");
        FakeProcess.Kernel(_host, 4802, "kvm-pit/77", 1001);
        Assert.False(
            Assert.Single(KernelThreads(Assert.Single(QemuObservation.Observe(_host)))).IsAmbiguous
        );

        _ = new FakeProcess(_host, 3000, "sleep");
        _host.Write("/proc/3000/status", "Name:\tsleep\n");
        Assert.True(
            Assert.Single(KernelThreads(Assert.Single(QemuObservation.Observe(_host)))).IsAmbiguous
        );
    }

    [Fact]
    public void Tells_two_QEMUs_with_one_id_apart_where_one_is_younger_than_the_timer()
    {
        FakeProcess.Qemu(_host, 4711).NamespacePids(4711, 77);
        new FakeProcess(_host, 5000, startTime: 2000)
            .Arguments("/usr/bin/qemu-system-x86_64", "-smp", "1")
            .Thread(5001, "CPU 0/KVM")
            .NamespacePids(5000, 77);
        FakeProcess.Kernel(_host, 4802, "kvm-pit/77", 1001);

        var vms = QemuObservation.Observe(_host);

        Assert.False(Assert.Single(KernelThreads(vms[0])).IsAmbiguous);
        Assert.Empty(KernelThreads(vms[1]));
    }

    [Theory]
    [InlineData("vhost-4711", 999UL)]
    [InlineData("kvm-pit/77", 999UL)]
    [InlineData("kvm-pit/4711", 1001UL)]
    [InlineData("vhost-77", 1001UL)]
    [InlineData("vhost-47110", 1001UL)]
    [InlineData("vhost-4711x", 1001UL)]
    [InlineData("vhost-", 1001UL)]
    [InlineData("kworker/4711", 1001UL)]
    public void Leaves_other_kernel_threads_alone(string name, ulong startTime)
    {
        FakeProcess.Qemu(_host, 4711).NamespacePids(4711, 77);
        FakeProcess.Kernel(_host, 4800, name, startTime);

        Assert.Empty(KernelThreads(Assert.Single(QemuObservation.Observe(_host))));
    }

    [Fact]
    public void Leaves_a_program_alone_that_is_only_called_like_a_kernel_thread()
    {
        FakeProcess.Qemu(_host, 4711).NamespacePids(4711, 77);
        new FakeProcess(_host, 4800, "vhost-4711", startTime: 1001).Arguments("/usr/bin/evil");
        new FakeProcess(_host, 4801, "kvm-pit/77", startTime: 1001).Arguments("/usr/bin/evil");

        Assert.Empty(KernelThreads(Assert.Single(QemuObservation.Observe(_host))));
    }

    [Fact]
    public void Cant_find_the_timer_of_a_QEMU_whose_status_cant_be_read()
    {
        FakeProcess.Qemu(_host, 4711);
        FakeProcess.Kernel(_host, 4800, "kvm-pit/77", 1001);

        Assert.Empty(KernelThreads(Assert.Single(QemuObservation.Observe(_host))));
    }

    public void Dispose() => _host.Dispose();

    private static IEnumerable<VmThread> KernelThreads(ObservedVm vm) =>
        vm.Threads.Where(thread => thread.IsKernelProcess);
}
