using PinAgent.Apply;
using PinAgent.Model.Cpu;
using PinAgent.Model.Node;
using PinAgent.Model.Vm;
using PinAgent.Plan;
using PinAgent.Plan.Contests;
using PinAgent.Report;
using PinAgent.Report.Status;
using PinAgent.Tests.Apply;

namespace PinAgent.Tests.Plan.Contests;

/// <summary>
/// A VM whose threads another program sets, too, and the agent's passes over it on a clock that the test moves. Its vCPUs
/// (tids 1010 to 1013) belong on 0 8 1 9 in cpuset 0-1,8-9: two guest cores on two cores.
/// </summary>
internal sealed class FoughtVm
{
    public const int Vcpu0 = 1010;

    private readonly NodeTopology _topology = Nodes.Parse("(0,8)(1,9)(2,10)(3,11)");
    private readonly FakeKernel _kernel = new();
    private PlanMemory _memory = PlanMemory.None;

    public FoughtVm(ObservedVm? vm = null, PlanSettings? settings = null)
    {
        Settings = settings ?? PlanSettings.Default;
        Vm = vm ?? Vms.Vm("vm1", "0-1,8-9", new GuestTopology(1, 2, 2));
        foreach (var thread in Vm.Threads)
        {
            Add(thread);
        }

        Look();
        _kernel.Written.Clear();
    }

    public ObservedVm Vm { get; set; }

    public TimeSpan Now { get; private set; }

    public NodeContests Contests => _memory.Contests;

    public PlanSettings Settings { get; set; }

    /// <summary>How many masks the agent has written since it first pinned the VM.</summary>
    public int Writes => _kernel.Written.Count;

    public string Vcpus => string.Join(' ', Tids().Select(tid => _kernel[tid].Cpus));

    /// <summary>What happens between a pass's look at the threads and what it does.</summary>
    public Action AfterLook { get; set; } = () => { };

    public FakeKernel.Thread this[int tid] => _kernel[tid];

    public void Add(VmThread thread)
    {
        _kernel.Add(thread, Vm.Key.Pid);
        if (!Vm.Threads.Contains(thread))
        {
            Vm = Vm.With(thread);
        }
    }

    /// <summary>The other program sets the vCPUs' masks.</summary>
    public void Set(string vcpus)
    {
        foreach (var (tid, cpus) in Tids().Zip(vcpus.Split(' ')))
        {
            _kernel[tid].Cpus = CpuSet.Parse(cpus);
        }
    }

    /// <summary>The other program sets the vCPUs' masks each second, for so long, and the agent looks each second.</summary>
    public VmStatus Fight(string vcpus, TimeSpan time)
    {
        var status = Look();
        for (var end = Now + time; Now < end; )
        {
            Set(vcpus);
            status = Look();
        }

        return status;
    }

    /// <summary>A pass, a second after the one before.</summary>
    public VmStatus Look(double seconds = 1) => StatusBuilder.Build(Pass(seconds));

    /// <summary>The same, with the plan.</summary>
    public VmOutcome Pass(double seconds = 1)
    {
        Now += TimeSpan.FromSeconds(seconds);
        var found = Vm with
        {
            Threads =
            [
                .. Vm.Threads.Select(thread =>
                    thread with
                    {
                        Affinity = _kernel[thread.Tid].Cpus,
                        Scheduling = _kernel[thread.Tid].Scheduling,
                    }
                ),
            ],
        };
        var snapshot = new NodeSnapshot(
            _topology,
            [found],
            new CpuManagerObservation(CpuManagerState.None, null, [])
        );
        AfterLook();
        var before = _memory.Held;
        (var plan, _memory) = NodePlanner.Plan(snapshot, Settings, _memory, Now);
        var vm = plan.Vms[0];
        var outcome = new PlanApplier(_kernel).Apply(vm, AgentMode.Enforce);
        var result = new VmPassResult(
            outcome,
            WasHeld: vm.Placement is { } placement && before.Contains(Vm.Key, placement)
        );
        _memory = _memory with
        {
            Contests = _memory.Contests.With([(Vm.Key, result.PutBack)], Now),
        };
        return outcome;
    }

    /// <summary>Another agent takes over, and remembers only this.</summary>
    public void Restart(NodeContests remembered) =>
        _memory = PlanMemory.None with { Contests = remembered };

    private IEnumerable<int> Tids() =>
        Vm.Threads.Where(thread => thread.Role == ThreadRole.Vcpu).Select(thread => thread.Tid);
}
