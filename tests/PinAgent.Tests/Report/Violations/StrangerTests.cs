using PinAgent.Model.Cpu;
using PinAgent.Model.Node;
using PinAgent.Model.Vm;
using PinAgent.Report.Violations;
using PinAgent.Tests.Plan;
using Xunit;

namespace PinAgent.Tests.Report.Violations;

/// <summary>
/// Processes that may run on the CPUs of vCPUs: those of <c>a</c> (pid 1000) are 0 and 4, those of <c>b</c> (pid 1100) 1
/// and 5.
/// </summary>
public sealed class StrangerTests
{
    [Theory]
    // On the VM's CPUs, on one of them, and among others.
    [InlineData("0", "0")]
    [InlineData("4-7", "4-5")]
    [InlineData("2-3,6-7", "")]
    public void Who_may_run_on_a_vCPUs_CPU_is_a_stranger(string mask, string told) =>
        Assert.Equal(
            told,
            CpuSet.Of(Of(Process(50, mask)).SelectMany(violation => violation.Cpus)).ToString()
        );

    [Fact]
    public void Each_VM_has_one_violation_with_three_examples()
    {
        var violations = Of(
            Process(50, "0-1", threads: 12),
            Process(51, "0"),
            Process(52, "0,4"),
            Process(53, "0", name: "last"),
            Process(53, "4", name: "last")
        );

        Assert.Equal(["0,4", "1"], violations.Select(violation => $"{violation.Cpus}"));
        Assert.All(violations, violation => Assert.Equal(ViolationKind.Stranger, violation.Kind));
        Assert.StartsWith(
            "other processes may run on CPUs 0,4 of host/a's vCPUs: p50 (pid 50, 12 threads), p51 (pid 51, 1 thread), p52 (pid "
                + "52, 1 thread) and 1 more; give them other CPUs",
            violations[0].Message
        );
        Assert.StartsWith(
            "other processes may run on CPUs 1 of host/b's vCPUs: p50 (pid 50, 12 threads); give",
            violations[1].Message
        );
    }

    [Fact]
    public void Those_that_may_run_everywhere_are_one_violation_of_the_node()
    {
        var violation = Assert.Single(
            Of([.. Enumerable.Range(50, 200).Select(pid => Process(pid, "0-7"))])
        );

        Assert.Equal("0-1,4-5", violation.Cpus?.ToString());
        Assert.StartsWith(
            "200 processes may run on every CPU, CPUs 0-1,4-5 of vCPUs among them; most CPU time have p50 (pid 50, 1 thread), "
                + "p51 (pid 51, 1 thread), p52 (pid 52, 1 thread) and 197 more: keep them off",
            violation.Message
        );
    }

    [Fact]
    public void VMs_with_the_same_strangers_have_one_violation()
    {
        var violation = Assert.Single(Of(Process(50, "0-6")));

        Assert.Equal("0-1,4-5", violation.Cpus.ToString());
        Assert.Equal(Severity.Disturbing, violation.Severity);
        Assert.StartsWith(
            "other processes may run on CPUs 0-1,4-5 of the vCPUs of host/a, host/b: p50 (pid 50, 1 thread); give",
            violation.Message
        );
        Assert.Equal("p50 (pid 50, 1 thread)", violation.By);
    }

    [Fact]
    public void A_QEMU_that_may_run_there_is_called_as_its_VM_is() =>
        Assert.Equal(
            "host/c (pid 1200, 3 threads)",
            Assert.Single(Of(Process(Vms.FirstPid + 200, "0", threads: 3, name: "qemu"))).By
        );

    [Fact]
    public void Whoever_may_run_everywhere_is_only_a_possible_disturbance()
    {
        var violation = Assert.Single(Of(Process(50, "0-7")));

        Assert.Equal(
            (Severity.Possible, "p50 (pid 50, 1 thread)"),
            (violation.Severity, violation.By)
        );
    }

    [Theory]
    // The VM's pod, whichever container; its own cgroup, and those below.
    [InlineData("/kubepods/poda/c1", "a", false)]
    [InlineData("/kubepods/poda/c2", "a", false)]
    [InlineData("/kubepods/podx/c1", "x", true)]
    [InlineData("/system.slice/cron.service", null, true)]
    [InlineData(null, null, true)]
    public void The_programs_in_the_VMs_pod_are_no_strangers(
        string? path,
        string? pod,
        bool isStranger
    ) =>
        Assert.Equal(
            isStranger,
            IsStranger(vm => vm.InPod("a"), Process(50, "0") with { Cgroup = Cgroup(path, pod) })
        );

    [Theory]
    [InlineData("/machine.slice/1000.scope", false)]
    [InlineData("/machine.slice/1000.scope/swtpm", false)]
    [InlineData("/machine.slice/1000.scope2", true)]
    [InlineData("/machine.slice", true)]
    [InlineData("/", true)]
    public void The_programs_in_the_VMs_cgroup_are_no_strangers(string path, bool isStranger) =>
        Assert.Equal(
            isStranger,
            IsStranger(vm => vm, Process(50, "0") with { Cgroup = Cgroup(path, null) })
        );

    [Fact]
    public void A_VM_in_the_root_cgroup_owns_nobody_else() =>
        Assert.True(
            IsStranger(
                vm => vm with { Cgroup = Cgroup("/", null) },
                Process(50, "0") with
                {
                    Cgroup = Cgroup("/system.slice", null),
                }
            )
        );

    [Fact]
    public void A_VM_that_isnt_to_be_pinned_has_no_strangers_and_is_one()
    {
        Assert.Empty(Of(Process(Vms.FirstPid, "0-7")));
        Assert.NotEmpty(Of(Process(Vms.FirstPid + 200, "0-1")));
    }

    private static bool IsStranger(Func<ObservedVm, ObservedVm> change, ForeignProcess process)
    {
        var node = new Node(Nodes.A) { Settings = new PlanSettings(["a"], []) };
        var plans = node.Pass(change(Vms.Vm("a", "0,4", new GuestTopology(1, 1, 2))));
        return Strangers.Of(plans, node.Topology, [process]).Any();
    }

    private static CgroupLocation? Cgroup(string? path, string? pod) =>
        path is null ? null : new(path, pod, null);

    private static ForeignProcess Process(
        int pid,
        string mask,
        int threads = 1,
        string? name = null
    ) => new(pid, name ?? $"p{pid}", null, CpuSet.Parse(mask), threads);

    private static IReadOnlyList<Violation> Of(params ForeignProcess[] processes)
    {
        var node = new Node(Nodes.A) { Settings = new PlanSettings(["a", "b"], []) };
        var plans = node.Pass(
            Vms.Vm("a", "0,4", new GuestTopology(1, 1, 2)),
            Vms.Vm("b", "1,5", new GuestTopology(1, 1, 2), Vms.FirstPid + 100),
            Vms.Vm("c", "0-1", new GuestTopology(1, 1, 2), Vms.FirstPid + 200)
        );
        return [.. Strangers.Of(plans, node.Topology, processes)];
    }
}
