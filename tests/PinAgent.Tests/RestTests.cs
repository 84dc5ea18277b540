using PinAgent.Apply;
using PinAgent.Model;
using PinAgent.NativeInterop;
using PinAgent.Observe;
using PinAgent.Observe.Kubelet;
using PinAgent.Plan;
using PinAgent.State;
using Xunit;

namespace PinAgent.Tests;

/// <summary>Where nothing changes, a pass does nothing; where something does, or wasn't done, it does it.</summary>
public sealed class RestTests : IDisposable
{
    private readonly FakeHost _host = new();
    private readonly FakeKernel _kernel;
    private readonly PinPass _pass;
    private AgentMode _mode = AgentMode.Enforce;

    public RestTests()
    {
        _host
            .MountCgroup2()
            .Write("/sys/devices/system/cpu/online", "0-15\n")
            .Write("/proc/uptime", "1000.00 0.00\n")
            .Write("/sys/fs/cgroup/vm1.scope/cpuset.cpus.effective", "2-3\n");
        for (var cpu = 0; cpu < 16; cpu++)
        {
            _host.Write(
                $"/sys/devices/system/cpu/cpu{cpu}/topology/thread_siblings_list",
                $"{cpu}\n"
            );
        }

        FakeProcess.Qemu(_host, 100);
        _kernel = new FakeKernel(_host);
        _pass = new PinPass(
            new NodeObserver(
                _host.Files,
                new RecordedAffinityReader(_host.Files),
                CpuManagerObserver.DefaultKubeletRoot
            ),
            new PlanSettings(["vm1"], []),
            Placer.Default,
            new PlanApplier(_kernel),
            "node1",
            () => new EffectiveMode(_mode, null),
            new AgentState(_host.PathOf("/state"), isInCluster: false),
            TimeProvider.System
        );
    }

    [Fact]
    public void What_has_come_to_rest_returns_the_very_same_result_and_writes_nothing()
    {
        var result = Settle();

        Assert.Same(result, _pass.RunForChanges());
        Assert.Equal(VmState.Pinned, Assert.Single(result.Status.Vms).State);
    }

    [Fact]
    public void A_mask_set_by_hand_is_put_back_once()
    {
        Settle();
        _kernel.Cpus(101, "2-3");
        var sets = _kernel.Sets;

        var repaired = Assert.Single(_pass.RunForChanges().Vms);
        Assert.True(repaired.WasHeld);
        Assert.Equal(sets + 1, _kernel.Sets);

        var rest = Settle();
        Assert.Equal(sets + 1, _kernel.Sets);
        Assert.Equal(1, rest.Status.Drift.Repairs);
    }

    [Fact]
    public void What_the_kernel_has_refused_is_tried_again_though_nothing_changes()
    {
        _kernel.Refusal = Errno.EPERM;
        _pass.Run();
        _pass.RunForChanges();
        _pass.RunForChanges();

        _kernel.Refusal = Errno.None;

        Assert.Equal(VmState.Pinned, _pass.RunForChanges().Status.Vms[0].State);
    }

    [Fact]
    public void Another_mode_and_a_VM_given_back_hold_at_once()
    {
        Settle();
        _mode = AgentMode.Audit;
        Assert.Equal(AgentMode.Audit, _pass.RunForChanges().Status.Mode);

        _mode = AgentMode.Enforce;
        Settle();
        new ReleasedVms(_host.PathOf("/state/released.json")).Change(["host/vm1"], []);
        Assert.True(_pass.RunForChanges().Status.Vms[0].Released);
    }

    public void Dispose() => _host.Dispose();

    private PassResult Settle()
    {
        _pass.Run();
        _pass.RunForChanges();
        return _pass.RunForChanges();
    }

    private sealed class FakeKernel(FakeHost host) : IThreadAffinity
    {
        public int Sets { get; private set; }

        public Errno Refusal { get; set; }

        public void Cpus(int tid, string cpus) =>
            host.Write($"/proc/100/task/{tid}/status", $"Cpus_allowed_list:\t{cpus}\n");

        public LinuxResult SetCpus(int tid, CpuSet cpus)
        {
            if (Refusal == Errno.None)
            {
                Cpus(tid, $"{cpus}");
                Sets++;
            }

            return new LinuxResult(Refusal);
        }

        public LinuxResult GetCpus(int tid, out CpuSet cpus)
        {
            cpus = new RecordedAffinityReader(host.Files).Read(100, tid)!;
            return LinuxResult.Success;
        }

        public LinuxResult SetScheduling(int tid, ThreadScheduling scheduling) =>
            throw new InvalidOperationException("nobody asks for real time here");

        public LinuxResult GetScheduling(int tid, out ThreadScheduling scheduling) =>
            throw new InvalidOperationException("nobody asks for real time here");

        public ulong? StartTimeOf(int pid, int tid) => 1000;
    }
}
