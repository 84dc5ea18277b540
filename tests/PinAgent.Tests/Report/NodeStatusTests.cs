using PinAgent.Apply;
using PinAgent.Model.Cpu;
using PinAgent.Model.Kubernetes;
using PinAgent.Model.Node;
using PinAgent.Model.Vm;
using PinAgent.NativeInterop;
using PinAgent.Report.Cluster;
using PinAgent.Report.Status;
using PinAgent.Tests.Apply;
using PinAgent.Tests.Plan;
using PinAgent.Tests.Report.Page;
using Xunit;

namespace PinAgent.Tests.Report;

/// <summary>The JSON of the node's status: a contract, so it's compared with a file.</summary>
public sealed class NodeStatusTests
{
    [Fact]
    public void The_JSON_is_the_one_that_programs_know()
    {
        var topology = new NodeTopology(
            [
                new LogicalCpu(0, 0, 0, 0, L3: 0, Die: 0, CoreKind.Performance),
                new LogicalCpu(8, 0, 0, 0, L3: 0, Die: 0, CoreKind.Performance),
                new LogicalCpu(1, 1, 1, 0),
            ],
            offline: CpuSet.Of(9),
            isolated: CpuSet.Parse("0,8"),
            nohzFull: CpuSet.Of(8)
        );
        var checkpoint = new CpuManagerCheckpoint("static", CpuSet.Of(1), []);
        var status = new NodeStatus
        {
            Node = "node-1",
            Mode = AgentMode.Enforce,
            Topology = TopologyStatus.Of(topology),
            CpuManager = CpuManagerStatus.Of(
                new CpuManagerObservation(CpuManagerState.Static, checkpoint, ["looked: found"])
            ),
            Labels = new Dictionary<string, LabelStatus>
            {
                ["kubevirt.io/cpumanager"] = new("true", "false", "virt-handler", "it's wrong"),
            },
            Vms = [Pinned(), PartlyPinned(), NotDedicated()],
            Drift = new DriftStatus(3),
        };

        Golden.Check("status/node.json", status.ToJson());
    }

    [Fact]
    public void A_node_that_only_audits_says_why()
    {
        var status = new NodeStatus
        {
            Node = "node-1",
            Mode = AgentMode.Audit,
            ModeMessage = "there's no live /proc",
            Topology = TopologyStatus.Of(Nodes.Parse("(0)")),
            CpuManager = new CpuManagerStatus(CpuManagerState.Unknown, null, []),
            Vms = [new AppliedVm().Status(AgentMode.Audit)],
            Drift = new DriftStatus(0),
        };

        Golden.Check("status/audit.json", status.ToJson());
    }

    // In a pod, with a confined helper, which doesn't unpin it.
    private static VmStatus Pinned()
    {
        var facts = new VmiFacts("prod", "vm1")
        {
            Spec = new VmiSpec { DedicatedCpuPlacement = true, IsolateEmulatorThread = true },
        };
        var node = new Node { Settings = new PlanSettings([], [facts]) };
        var vm = Vms.Vm("prod_vm1", "0-1,8", new GuestTopology(1, 1, 2))
            .InPod("6d1f8a52")
            .Running("0 0-1,8", emulator: "1")
            .With(
                Vms.Thread(1500, ThreadRole.Helper, null, CpuSet.Of(5)) with
                {
                    OwnCpuset = CpuSet.Of(5),
                }
            );
        var kernel = new FakeKernel();
        foreach (var thread in vm.Threads)
        {
            kernel.Add(thread, vm.Key.Pid);
        }

        return StatusBuilder.Build(
            new PlanApplier(kernel).Apply(node.PassOne(vm), AgentMode.Enforce)
        );
    }

    private static VmStatus PartlyPinned()
    {
        var vm = new AppliedVm();
        vm.Kernel[AppliedVm.Vcpu0].SetFails = Errno.EPERM;
        vm.Kernel.Remove(AppliedVm.Helper);
        return vm.Status();
    }

    private static VmStatus NotDedicated()
    {
        var vm = Vms.Vm("vm3", "0-15", new GuestTopology(1, 1, 1), pid: 5000) with
        {
            GivenCpuset = null,
        };
        return StatusBuilder.Build(
            new PlanApplier(new FakeKernel()).Apply(new Node().PassOne(vm), AgentMode.Enforce)
        );
    }
}
