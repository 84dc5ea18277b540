using PinAgent.Model.Kubernetes;
using PinAgent.Model.Node;
using PinAgent.Observe.Doctor;
using PinAgent.Observe.Proc;
using Xunit;

namespace PinAgent.Tests.Report.Doctor;

/// <summary>What <c>pinagent doctor</c> gathers of a machine's files.</summary>
public sealed class HostSurveyTests : IDisposable
{
    private readonly FakeHost _host = new FakeHost()
        .MountCgroup2()
        .Load(Fixtures.PathOf("machines/16amd64-2s2n4c2t/machine.txt"));

    public void Dispose() => _host.Dispose();

    [Fact]
    public void A_machine_that_has_everything()
    {
        _host
            .Write("/proc/sys/kernel/osrelease", "6.8.0-1\n")
            .Write("/proc/sys/kernel/yama/ptrace_scope", "1\n")
            .Write("/sys/fs/selinux/enforce", "1")
            .Write("/sys/module/apparmor/parameters/enabled", "Y\n")
            .Write("/sys/fs/cgroup/cgroup.controllers", "cpuset cpu io memory\n")
            .Write(
                "/var/lib/kubelet/cpu_manager_state",
                """{"policyName":"static","defaultCpuSet":"0-1"}"""
            );
        FakeProcess.Kernel(_host, 2, "kthreadd", 1);
        FakeProcess.Qemu(_host, 100);

        var facts = Look();

        Assert.Equal(("6.8.0-1", "1"), (facts.Kernel, facts.PtraceScope));
        Assert.True(
            facts is { SelinuxEnforces: true, HasAppArmor: true, HasCpusets: true, HidePid: null }
        );
        Assert.True(facts.ShowsKernelThreads);
        Assert.Equal(["v2"], facts.Cgroups);
        Assert.Equal(16, facts.Topology!.Online.Count);
        Assert.Equal(CpuManagerState.Static, facts.CpuManager.State);
        Assert.Equal("vm1", Assert.Single(facts.Vms).GuestName);
    }

    [Fact]
    public void A_recorded_machine_lends_no_capabilities()
    {
        var facts = Look();

        Assert.True(facts is { HasLiveProc: false, Capabilities: null, SecurityLabel: null });
    }

    [Fact]
    public void A_machine_that_has_nothing_is_described_all_the_same()
    {
        _host.Delete("/proc").Delete("/sys");

        var facts = Look();

        Assert.True(
            facts
                is {
                    Kernel: null,
                    HasCpusets: false,
                    CgroupProblem: not null,
                    TopologyProblem: not null,
                    VmProblem: not null
                }
        );
    }

    [Fact]
    public void Cgroups_v2_without_the_cpuset_controller()
    {
        _host.Write("/sys/fs/cgroup/cgroup.controllers", "cpu io memory\n");

        Assert.True(Look() is { HasCpusets: false, CgroupProblem: null });
    }

    [Theory]
    [InlineData("22 28 0:21 / /proc rw - proc proc rw,hidepid=2,gid=5", "2")]
    [InlineData("22 28 0:21 / /proc rw - proc proc rw,hidepid=invisible", "invisible")]
    [InlineData("22 28 0:21 / /proc rw - proc proc rw", null)]
    [InlineData("22 28 0:21 / /srv/proc rw - proc proc rw,hidepid=2", null)]
    [InlineData("", null)]
    public void How_proc_hides_processes(string mount, string? expected) =>
        Assert.Equal(
            expected,
            MountInfo.FindHidePid(System.Text.Encoding.UTF8.GetBytes($"{mount}\n"))
        );

    [Fact]
    public void Which_of_the_kubelets_secrets_are_within_reach()
    {
        _host
            .Folder("/var/lib/kubelet/pods")
            .Write("/var/lib/kubelet/pki/kubelet-client-current.pem", "key")
            .Write("/var/lib/kubelet/device-plugins/x", "");

        Assert.Equal(["pki"], Look().ExposedSecrets);
    }

    [Theory]
    [InlineData("Name:\tx\nCapEff:\t0000000000800000\n", true, 1UL << 23)]
    [InlineData("CapEff:\tz\n", false, 0)]
    [InlineData("CapPrm:\t1\n", false, 0)]
    public void Which_capabilities_a_process_has(string status, bool isRead, ulong expected)
    {
        Assert.Equal(
            isRead,
            ProcStatus.TryParseCapabilities(
                System.Text.Encoding.UTF8.GetBytes(status),
                out var capabilities
            )
        );
        Assert.Equal(expected, capabilities);
    }

    private HostFacts Look() =>
        HostSurvey.Look(
            _host.Files,
            "/var/lib/kubelet",
            new PodResourcesObservation(null, "not asked")
        );
}
