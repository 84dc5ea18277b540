using System.Text;
using PinAgent.Model.Cpu;
using PinAgent.Model.Node;
using PinAgent.Observe;
using PinAgent.Observe.Qemu;
using PinAgent.Observe.Recording;
using Xunit;

namespace PinAgent.Tests.Observe.Recording;

/// <summary>A machine that is recorded, and looked at again from the record.</summary>
public sealed class MachineRecordingTests : IDisposable
{
    private const string KubeletRoot = "/var/lib/kubelet";

    private readonly FakeHost _host = new FakeHost()
        .MountCgroup2()
        .Load(Fixtures.PathOf("machines/16amd64-2s2n4c2t/machine.txt"));

    public void Dispose() => _host.Dispose();

    [Fact]
    public void The_record_shows_the_same_machine()
    {
        _host
            .Write("/sys/fs/cgroup/vm1.scope/cpuset.cpus", "2-4\n")
            .Write("/sys/fs/cgroup/vm1.scope/cpuset.cpus.effective", "2-4\n")
            .Write(
                $"{KubeletRoot}/cpu_manager_state",
                """{"policyName":"static","defaultCpuSet":"0-1,5-15"}"""
            );
        FakeProcess.Qemu(_host, 100);
        FakeProcess.Kernel(_host, 200, "vhost-100", startTime: 2000);
        _ = new FakeProcess(_host, 300, "kubelet");
        using var copy = Replay(MachineRecording.Record(_host.Root, KubeletRoot));

        var (before, after) = (Observe(_host), Observe(copy));

        Assert.Equal(before.Topology.Online, after.Topology.Online);
        Assert.Equal(before.CpuManager.State, after.CpuManager.State);
        // The one evidence is where the checkpoint is: the kubelet is seen in the record, too.
        Assert.Single(after.CpuManager.Evidence);
        var (vm, again) = (Assert.Single(before.Vms), Assert.Single(after.Vms));
        Assert.Equal(4, vm.Threads.Length);
        Assert.Equal(vm.Threads, again.Threads);
        Assert.Equal(vm with { Threads = [] }, again with { Threads = [] });
        Assert.Equal(CpuSet.Parse("2-4"), again.GivenCpuset);
    }

    [Fact]
    public void Unnamed_vCPUs_are_told_from_the_record()
    {
        new FakeProcess(_host, 100)
            .Cgroup("0::/\n")
            .Arguments("/usr/bin/qemu-kvm", "-smp", "1")
            .Executable("/usr/bin/qemu-kvm")
            .Thread(101, "qemu-kvm")
            .Descriptor(9, "anon_inode:kvm-vcpu:0")
            .Descriptor(8, "/vm/disk.img")
            .RunsVcpu(101, 9);
        var recording = MachineRecording.Record(_host.Root, KubeletRoot);
        using var copy = Replay(recording);

        Assert.True(Assert.Single(Observe(copy).Vms).HasVcpus);
        Assert.DoesNotContain("/proc/100/fd/8", recording.Links.Keys);
    }

    [Theory]
    [InlineData("/run/incus/v1/qemu.conf", "1×2×2")]
    [InlineData("/run/incus/../incus/v1/qemu.conf", "1×1×1")]
    public void A_topology_in_a_file_is_told_from_the_record_but_no_path_that_leads_out_of_it(
        string file,
        string topology
    )
    {
        new FakeProcess(_host, 100)
            .Cgroup("0::/\n")
            .Arguments("/usr/bin/qemu-kvm", "-name", "v1", "-readconfig", file)
            .Thread(101, "CPU 0/KVM");
        _host.Write(
            "/proc/100/root/run/incus/v1/qemu.conf",
            "[drive]\nfile = \"/secret\"\n[smp-opts]\ncpus = \"4\"\nthreads = \"2\"\n"
        );
        var recording = MachineRecording.Record(_host.Root, KubeletRoot);
        using var copy = Replay(recording);

        Assert.Equal(topology, Assert.Single(Observe(copy).Vms).Guest.Full.ToString());
        Assert.DoesNotContain(
            recording.Files,
            file =>
                file.Key.Contains("..", StringComparison.Ordinal)
                || Encoding.UTF8.GetString(file.Value).Contains("secret", StringComparison.Ordinal)
        );
    }

    [Fact]
    public void CPUs_that_the_machines_option_says_are_told_from_the_record()
    {
        new FakeProcess(_host, 100)
            .Cgroup("0::/\n")
            .Arguments(
                "/usr/bin/qemu-kvm",
                "-name",
                "v1",
                "-machine",
                "smp.cpus=4,q35,smp.threads=2"
            )
            .Thread(101, "CPU 0/KVM");
        using var copy = Replay(MachineRecording.Record(_host.Root, KubeletRoot));

        Assert.Equal("1×2×2", Assert.Single(Observe(copy).Vms).Guest.Full.ToString());
    }

    [Fact]
    public void Nothing_of_other_processes_is_kept()
    {
        _ = new FakeProcess(_host, 50, "postgres").Arguments("postgres", "--password=x");
        FakeProcess.Qemu(_host, 100);

        var recording = MachineRecording.Record(_host.Root, KubeletRoot);

        Assert.DoesNotContain(
            recording.Files.Keys,
            path => path.StartsWith("/proc/50/", StringComparison.Ordinal)
        );
        Assert.Contains("/proc/100/cmdline", recording.Files.Keys);
    }

    [Fact]
    public void What_is_there_and_cant_be_read_is_named()
    {
        _host.Folder($"{KubeletRoot}/cpu_manager_state");

        var recording = MachineRecording.Record(_host.Root, KubeletRoot);

        var (path, why) = Assert.Single(recording.Unread);
        Assert.Equal($"{KubeletRoot}/cpu_manager_state", path);
        Assert.Contains("EISDIR", why, StringComparison.Ordinal);
    }

    private static NodeSnapshot Observe(FakeHost host) =>
        new NodeObserver(host.Files, new RecordedAffinityReader(host.Files), KubeletRoot).Observe();

    private static FakeHost Replay(MachineRecording recording)
    {
        var copy = new FakeHost();
        foreach (var (path, content) in recording.Files)
        {
            copy.Write(path, content);
        }

        foreach (var (path, target) in recording.Links)
        {
            copy.Link(path, target);
        }

        return copy;
    }
}
