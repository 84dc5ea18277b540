using PinAgent.Apply;
using PinAgent.Loop;
using PinAgent.Model.Changes;
using PinAgent.Model.Cpu;
using PinAgent.Model.Node;
using PinAgent.Model.Vm;
using PinAgent.NativeInterop;
using PinAgent.Observe;
using PinAgent.Observe.Events;
using PinAgent.Observe.Kubelet;
using PinAgent.Observe.Qemu;
using PinAgent.Report;
using PinAgent.State;
using Xunit;

namespace PinAgent.Tests.Loop;

/// <summary>Where nothing changes, a pass does nothing; where something does, or wasn't done, it does it.</summary>
public sealed class RestTests : IDisposable
{
    private readonly FakeHost _host = new();
    private readonly FakeProcess _qemu;
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

        _qemu = FakeProcess.Qemu(_host, 100);
        _kernel = new FakeKernel(_host);
        _pass = new PinPass(
            new NodeObserver(
                _host.Files,
                new RecordedAffinityReader(_host.Files),
                CpuManagerObserver.DefaultKubeletRoot
            ),
            new PlanSettings(["vm1"], []),
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

        Assert.Same(result, LookForChanges());
        Assert.Equal(VmState.Pinned, Assert.Single(result.Status.Vms).State);
    }

    [Fact]
    public void A_mask_set_by_hand_is_put_back_once()
    {
        Settle();
        _kernel.Cpus(101, "2-3");
        var sets = _kernel.Sets;

        var repaired = Assert.Single(LookForChanges().Vms);
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
        LookForChanges();
        LookForChanges();

        _kernel.Refusal = Errno.None;

        Assert.Equal(VmState.Pinned, LookForChanges().Status.Vms[0].State);
    }

    [Fact]
    public void Another_mode_and_a_VM_given_back_hold_at_once()
    {
        Settle();
        _mode = AgentMode.Audit;
        Assert.Equal(AgentMode.Audit, LookForChanges().Status.Mode);

        _mode = AgentMode.Enforce;
        Settle();
        new ReleasedVms(_host.PathOf("/state/released.json")).Change(
            [
                new ReleasedVm
                {
                    Namespace = "host",
                    Name = "vm1",
                    Key = LookForChanges().Vms[0].Outcome.Plan.Vm.Key,
                },
            ],
            []
        );
        Assert.True(LookForChanges().Status.Vms[0].Released);
    }

    /// <summary>A QEMU that starts names its threads one after the other.</summary>
    [Fact]
    public void Threads_that_name_themselves_meanwhile_are_pinned_before_the_first_is_told_of()
    {
        Settle();
        var sets = _kernel.Sets;
        _qemu.Thread(103, "IO iothread1");

        var result = _pass.Run(PassScope.Named, [new NamedThread(103, 100, 1)], More);

        // With a second I/O thread, the first gets another place.
        Assert.Equal(sets + 3, _kernel.Sets);
        var vm = Assert.Single(result.Vms);
        Assert.Equal(
            [(103, "0-15", "3"), (104, "0-15", "2")],
            vm.Outcome.Threads.Where(thread => thread.IsChange)
                .Select(thread =>
                    (
                        thread.Planned.Thread.Tid,
                        $"{thread.Planned.Thread.Affinity}",
                        $"{thread.Actual}"
                    )
                )
        );
        Assert.Equal(2, result.PinTimes.Count);
        Assert.Equal(VmState.Pinned, vm.Status.State);
        Assert.Same(Settle(), LookForChanges());

        IReadOnlyList<NamedThread> More()
        {
            if (Directory.Exists(_host.PathOf("/proc/100/task/104")))
            {
                return [];
            }

            Assert.Equal(sets + 1, _kernel.Sets);
            _qemu.Thread(104, "IO iothread2");
            return [new NamedThread(104, 100, 2)];
        }
    }

    /// <summary>The look for changes sees the thread, and only then it gets its name and the VM another placement.</summary>
    [Fact]
    public void A_VM_that_is_placed_anew_meanwhile_is_no_repair()
    {
        var isNamed = false;
        Settle();
        _qemu.Thread(103, "worker", cpus: "2-3");

        var result = _pass.Run(PassScope.Changes, [], More);

        var vm = Assert.Single(result.Vms);
        Assert.Contains(vm.Outcome.Threads, thread => thread.IsChange);
        Assert.False(vm.WasHeld);
        Assert.Equal(0, result.Status.Drift.Repairs);

        IReadOnlyList<NamedThread> More()
        {
            if (isNamed)
            {
                return [];
            }

            isNamed = true;
            _qemu.Thread(103, "IO iothread1", cpus: "0-15");
            return [new NamedThread(103, 100, 1)];
        }
    }

    /// <summary>As the kernel's worker that a vCPU's thread makes, a second after the guest's start.</summary>
    [Fact]
    public void A_new_thread_that_is_put_in_its_place_is_no_repair_and_no_contest()
    {
        var isNamed = false;
        Settle();
        _qemu.Thread(103, "worker", cpus: "2");

        var result = _pass.Run(PassScope.Named, [new NamedThread(103, 100, 1)], More);

        var vm = Assert.Single(result.Vms);
        var changed = Assert.Single(vm.Outcome.Threads, thread => thread.IsChange);
        Assert.Equal((103, "2-3"), (changed.Planned.Thread.Tid, $"{changed.Actual}"));
        Assert.True(vm.WasHeld);
        Assert.DoesNotContain(result.Changes, change => change.Kind == VmChangeKind.Repaired);
        Assert.Empty(vm.PutBack);
        Assert.Equal(0, result.Status.Drift.Repairs);

        Settle();
        _kernel.Cpus(103, "2");
        var repaired = LookForChanges();
        Assert.Equal(VmChangeKind.Repaired, Assert.Single(repaired.Changes).Kind);
        Assert.Equal(1, repaired.Status.Drift.Repairs);

        // It's known by the second round, and what came of the first is told with it.
        IReadOnlyList<NamedThread> More()
        {
            var first = !isNamed;
            isNamed = true;
            return first ? [new NamedThread(103, 100, 2)] : [];
        }
    }

    /// <summary>The look for changes alone counts threads, and doesn't see that one has another name.</summary>
    [Fact]
    public void A_thread_that_names_itself_when_a_look_for_changes_is_due_is_seen()
    {
        _qemu.Thread(103, "worker");
        Settle();
        _qemu.Thread(103, "IO iothread1");

        var result = _pass.Run(PassScope.Changes, [new NamedThread(103, 100, 1)], () => []);

        Assert.Contains(
            result.Status.Vms[0].Threads,
            thread => thread is { Tid: 103, Role: ThreadRole.IoThread }
        );
    }

    public void Dispose() => _host.Dispose();

    private PassResult LookForChanges() => _pass.Run(PassScope.Changes, [], () => []);

    private PassResult Settle()
    {
        _pass.Run();
        LookForChanges();
        return LookForChanges();
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
