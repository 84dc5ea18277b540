using PinAgent.Apply;
using PinAgent.Model.Cpu;
using PinAgent.Model.Node;
using PinAgent.Model.Vm;
using PinAgent.Plan;
using PinAgent.Plan.Dedication;
using PinAgent.Report.Violations;
using PinAgent.Tests.Apply;
using PinAgent.Tests.Plan.Birth;
using Xunit;

namespace PinAgent.Tests.Plan.Threads;

/// <summary>An emulator that had a CPU of its own, in a cpuset that has none left for it.</summary>
public sealed class LostIsolationTests
{
    private static readonly ObservedVm Vm = Vms.Vm("default_vm1", "0-1", new(1, 1, 1));

    [Fact]
    public void A_cpuset_narrowed_to_the_vCPUs_takes_it_and_that_is_told_until_it_has_it_back()
    {
        var node = new Node("(0)(1)(2)(3)");
        Assert.Null(node.PassOne(Vm).LostIsolation);

        var narrow = Vm.On("1").Running("1", emulator: "1");
        var lost = node.PassOne(narrow);

        Assert.Equal(("placed", "1"), (lost.Standing(), lost.Vcpus()));
        Assert.Contains(
            "the cpuset 1 has as many CPUs as the guest has vCPUs, 1",
            lost.LostIsolation
        );
        Assert.Contains(lost.LostIsolation, lost.Advisories);
        Assert.Equal("guest core 0: a CPU shared with the emulator", Rule(lost, ThreadRole.Vcpu));
        Assert.Equal(
            "not isolated any more: the cpuset has no CPU left for it",
            Rule(lost, ThreadRole.Emulator)
        );
        var violation = Assert.Single(Violations(lost));
        Assert.Equal((ViolationKind.Emulator, CpuSet.Parse("1")), (violation.Kind, violation.Cpus));
        Assert.StartsWith(
            "vCPUs of host/default_vm1 share their CPUs with its emulator: the emulator had CPUs of its own",
            violation.Message
        );

        // It's as true a pass later, and after one in which the VM couldn't be read.
        Assert.NotNull(node.PassOne(narrow).LostIsolation);
        node.PassOne(narrow with { Problem = Standing.Unclear(Reason.Unreadable, "not now") });
        Assert.NotNull(node.PassOne(narrow).LostIsolation);

        var again = node.PassOne(Vm);
        Assert.Null(again.LostIsolation);
        Assert.Empty(Violations(again));
        Assert.Equal("guest core 0: a CPU to itself", Rule(again, ThreadRole.Vcpu));
    }

    [Fact]
    public void A_vCPU_that_is_plugged_in_takes_it_too()
    {
        var node = new Node("(0)(1)(2)(3)");
        var vm = Vms.Vm("default_vm1", "0-1", new(2, 1, 1), boot: 1);
        var pinned = vm.After(node.PassOne(vm));

        var plan = node.PassOne(
            pinned.With(Vms.Thread(1011, ThreadRole.Vcpu, 1, CpuSet.Parse("1")))
        );

        Assert.Equal("0 1", plan.Vcpus());
        Assert.Contains(
            "the cpuset 0-1 has as many CPUs as the guest has vCPUs, 2",
            plan.LostIsolation
        );
    }

    [Fact]
    public void Who_never_had_it_has_lost_nothing()
    {
        var plan = new Node("(0)(1)(2)(3)").PassOne(Vm.On("1").Running("1", emulator: "1"));

        Assert.Null(plan.LostIsolation);
        Assert.Empty(Violations(plan));
        Assert.Equal("guest core 0: a CPU shared with the emulator", Rule(plan, ThreadRole.Vcpu));
        Assert.Equal("not isolated: anywhere in the cpuset", Rule(plan, ThreadRole.Emulator));
    }

    [Fact]
    public void Where_a_VMI_asks_for_it_the_VM_is_refused_and_says_so()
    {
        var node = new Node("(0)(1)(2)(3)")
        {
            Settings = new PlanSettings([], [BornGuest.Vmi(isolates: true)]),
        };
        node.PassOne(Vm);

        var plan = node.PassOne(Vm.On("1"));

        Assert.Equal("Refused NoCpuForEmulator", plan.Standing());
        Assert.Null(plan.LostIsolation);
    }

    private static string? Rule(VmPlan plan, ThreadRole role) =>
        plan.Threads.First(thread => thread.Thread.Role == role).Rule;

    private static IEnumerable<Violation> Violations(VmPlan plan)
    {
        var kernel = new FakeKernel();
        foreach (var thread in plan.Threads)
        {
            kernel.Add(thread.Thread, plan.Vm.Key.Pid);
        }

        return NodeViolations.Of(
            [new PlanApplier(kernel).Apply(plan, AgentMode.Enforce)],
            Nodes.Parse("(0)(1)(2)(3)"),
            Disagreements.None,
            new NodeNeighbours()
        );
    }
}
