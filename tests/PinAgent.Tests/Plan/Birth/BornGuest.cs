using System.Text;
using PinAgent.Apply;
using PinAgent.Model.Cpu;
using PinAgent.Model.Kubernetes;
using PinAgent.Model.Node;
using PinAgent.Model.Vm;
using PinAgent.Observe.Qemu;
using PinAgent.Plan.Placement;
using PinAgent.Tests.Apply;

namespace PinAgent.Tests.Plan.Birth;

/// <summary>
/// A guest that comes into being thread by thread, what its manager does to it, and the agent's looks at it. Which masks threads
/// are born with and who sets them when was checked against the traces of tests/fixtures/birth.
/// </summary>
internal sealed class BornGuest(string cpuset, int vcpus, VmiFacts? vmi)
{
    public const int Pid = 1000;

    private readonly FakeKernel _kernel = new();
    private readonly List<VmThread> _threads = [];
    private readonly HashSet<int> _moved = [];
    private readonly Node _node = new(string.Concat(Enumerable.Range(0, 16).Select(i => $"({i})")))
    {
        Settings = new PlanSettings(vmi is null ? ["default_vm1"] : [], vmi is null ? [] : [vmi]),
    };
    private CpuSet? _housekeeping;
    private CpuPlacement? _held;

    /// <summary>The VMI of a guest with dedicated CPUs.</summary>
    public static VmiFacts Vmi(bool isolates, bool evenParity = false) =>
        new("default", "vm1")
        {
            Spec = new()
            {
                DedicatedCpuPlacement = true,
                IsolateEmulatorThread = isolates,
                EmulatorThreadCompleteToEvenParity = evenParity,
            },
        };

    /// <summary>How often the VM was found pinned by a placement that wasn't the one before.</summary>
    public int Beginnings { get; private set; }

    /// <summary>What was put back that hadn't come since the look before.</summary>
    public List<string> Repairs { get; } = [];

    /// <summary>How the VM stood, look by look.</summary>
    public List<string> Standings { get; } = [];

    /// <summary>A thread's mask now.</summary>
    public string this[int tid] => _kernel[tid].Cpus.ToString();

    public IEnumerable<VmThread> Threads => _threads;

    public bool IsThere(int tid) => _threads.Exists(thread => thread.Tid == tid);

    /// <summary>A thread begins, or gets another name.</summary>
    public void Name(int tid, string comm, string mask)
    {
        var name = ThreadName.Parse(Encoding.UTF8.GetBytes(comm));
        var thread = Vms.Thread(
            tid,
            tid == Pid ? ThreadRole.Emulator : name.Role,
            name.Number,
            CpuSet.Parse(mask)
        ) with
        {
            Comm = comm,
            IsKernelProcess = name.What == ThreadName.Kind.KvmPit,
        };
        if (!IsThere(tid))
        {
            _kernel.Add(thread, thread.IsKernelProcess ? tid : Pid);
        }

        _threads.RemoveAll(old => old.Tid == tid);
        _threads.Insert(
            _threads.FindIndex(t => t.Tid > tid) is >= 0 and var i ? i : _threads.Count,
            thread
        );
    }

    /// <summary>The manager sets a mask.</summary>
    public void Set(int tid, string mask) => _kernel[tid].Cpus = CpuSet.Parse(mask);

    public void End(int tid)
    {
        _threads.RemoveAll(thread => thread.Tid == tid);
        _kernel.Remove(tid);
    }

    /// <summary>The group <c>housekeeping</c> has these CPUs; the kernel takes its threads along.</summary>
    public void WriteHousekeeping(string cpus)
    {
        _housekeeping = CpuSet.Parse(cpus);
        _moved.ToList().ForEach(Move);
    }

    /// <summary>virt-handler moves a thread there.</summary>
    public void Move(int tid)
    {
        _moved.Add(tid);
        var thread = _kernel[tid];
        thread.Cpuset = _housekeeping;
        thread.Cpus = thread.Cpus.Intersect(_housekeeping!) is { IsEmpty: false } kept
            ? kept
            : _housekeeping!;
    }

    /// <summary>The agent looks.</summary>
    public void Look()
    {
        var plan = _node.PassOne(Found());
        var outcome = new PlanApplier(_kernel).Apply(plan, AgentMode.Enforce);
        Standings.Add(plan.Standing());
        if (plan.Placement is null)
        {
            return;
        }

        if (!ReferenceEquals(plan.Placement, _held))
        {
            Beginnings++;
        }
        else
        {
            Repairs.AddRange(
                outcome
                    .Threads.Where(thread => thread is { IsChange: true, Planned.IsNew: false })
                    .Select(thread => thread.DescribeChange())
            );
        }

        _held = plan.Placement;
    }

    private ObservedVm Found()
    {
        var cpus = CpuSet.Parse(cpuset);
        var isComplete = _threads.Count(thread => thread.Role == ThreadRole.Vcpu) == vcpus;
        return new ObservedVm
        {
            Key = new VmKey(Pid, Pid * 100),
            GuestName = "default_vm1",
            Guest = new GuestCpus(new GuestTopology(1, vcpus, 1), vcpus),
            Cgroup = new CgroupLocation("/kubepods/podp1/c1", "p1", "c1"),
            Cpuset = cpus,
            GivenCpuset = cpus,
            Housekeeping = _housekeeping,
            Problem = isComplete
                ? null
                : Standing.Unclear(Reason.VcpuThreadsStarting, "not all yet"),
            Threads =
            [
                .. _threads.Select(thread =>
                    thread with
                    {
                        Affinity = _kernel[thread.Tid].Cpus,
                        OwnCpuset =
                            _moved.Contains(thread.Tid) && !cpus.Equals(_housekeeping)
                                ? _housekeeping
                                : null,
                    }
                ),
            ],
        };
    }
}
