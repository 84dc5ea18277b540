using PinAgent.Apply;
using PinAgent.Apply.AtOnce;
using PinAgent.Loop;
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

namespace PinAgent.Tests.Loop;

/// <summary>A machine of 16 CPUs with one guest of one vCPU and CPUs 2-3, and an agent's passes over it.</summary>
internal sealed class OneVmHost : IDisposable
{
    private readonly NodeObserver _observer;

    public OneVmHost(Func<OneVmHost, PassSurroundings>? around = null)
    {
        Host.MountCgroup2()
            .Write("/sys/devices/system/cpu/online", "0-15\n")
            .Write("/proc/uptime", "1000.00 0.00\n")
            .Write("/sys/fs/cgroup/vm1.scope/cpuset.cpus.effective", "2-3\n");
        for (var cpu = 0; cpu < 16; cpu++)
        {
            Host.Write(
                $"/sys/devices/system/cpu/cpu{cpu}/topology/thread_siblings_list",
                $"{cpu}\n"
            );
        }

        Qemu = FakeProcess.Qemu(Host, 100);
        Kernel = new FakeKernel(Host);
        _observer = new NodeObserver(
            Host.Files,
            new RecordedAffinityReader(Host.Files),
            CpuManagerObserver.DefaultKubeletRoot
        );
        Pass = new PinPass(
            _observer,
            new PlanSettings(["vm1"], []),
            new PlanApplier(Kernel),
            "node1",
            () => new EffectiveMode(Mode, null) { Notice = ModeNotice },
            new AgentState(Host.PathOf("/state"), isInCluster: false),
            TimeProvider.System,
            around?.Invoke(this)
        );
    }

    public FakeHost Host { get; } = new();

    public FakeProcess Qemu { get; }

    public FakeKernel Kernel { get; }

    public PinPass Pass { get; }

    public AgentMode Mode { get; set; } = AgentMode.Enforce;

    /// <summary>What is to be said of the mode beside why it isn't the one asked for.</summary>
    public string? ModeNotice { get; set; }

    public PassResult LookForChanges() => Pass.Run(PassScope.Changes, [], () => []);

    /// <summary>Passes until nothing is to be done.</summary>
    public PassResult Settle()
    {
        Pass.Run();
        LookForChanges();
        return LookForChanges();
    }

    public void Dispose()
    {
        _observer.Dispose();
        Host.Dispose();
    }

    /// <summary>Threads whose masks are in the files of their processes.</summary>
    public sealed class FakeKernel(FakeHost host) : IThreadAffinity, IPinKernel
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

        public LinuxResult StartTimeOf(int pid, int tid, out ulong startTime)
        {
            startTime = 1000;
            return LinuxResult.Success;
        }

        public IHeldProcess? Open(VmKey vm) => new Held();

        public LinuxResult Get(int tid, ref ulong[] mask)
        {
            GetCpus(tid, out var cpus);
            mask = cpus.Mask.ToArray();
            return LinuxResult.Success;
        }

        public LinuxResult Set(int tid, ReadOnlySpan<ulong> mask) =>
            SetCpus(tid, CpuSet.FromMask(mask));

        private sealed class Held : IHeldProcess
        {
            public bool HasThread(int tid) => true;

            public void Dispose() { }
        }
    }
}
