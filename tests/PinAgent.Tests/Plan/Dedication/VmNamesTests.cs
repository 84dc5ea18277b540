using PinAgent.Model.Kubernetes;
using PinAgent.Model.Node;
using PinAgent.Model.Vm;
using Xunit;

namespace PinAgent.Tests.Plan.Dedication;

/// <summary>What VMs are called, and which VMI is whose.</summary>
public sealed class VmNamesTests
{
    private static readonly GuestTopology One = new(1, 1, 1);

    [Theory]
    [InlineData("vm1", false, "host/vm1")]
    [InlineData("prod_vm1", false, "host/prod_vm1")]
    [InlineData(null, false, "host/pid-1000")]
    [InlineData("prod_vm1", true, "prod/vm1")]
    [InlineData("prod_vm_1", true, "prod/vm_1")]
    [InlineData("vm1", true, "host/vm1")]
    [InlineData("_vm1", true, "host/_vm1")]
    [InlineData(null, true, "host/pid-1000")]
    [InlineData("two words", false, "host/two words")]
    public void A_VM_is_called_by_its_guests_name_which_pods_split_at_the_first_underscore(
        string? guest,
        bool isInPod,
        string expected
    )
    {
        var vm = Vms.Vm(guest, "0", One);

        Assert.Equal([expected], Names(new Node(), isInPod ? vm.InPod("u1") : vm));
    }

    [Fact]
    public void VMs_that_share_a_name_are_called_by_their_process_ids() =>
        Assert.Equal(
            ["host/pid-1000", "host/pid-2000", "host/other"],
            Names(
                new Node(),
                Vms.Vm("vm1", "0", One),
                Vms.Vm("vm1", "1", One, pid: 2000),
                Vms.Vm("other", "2", One, pid: 3000)
            )
        );

    [Fact]
    public void A_name_that_two_VMs_of_the_host_share_is_still_good_for_one_in_a_pod() =>
        Assert.Equal(
            ["host/pid-1000", "host/pid-2000", "prod/vm1"],
            Names(
                new Node(),
                Vms.Vm("prod_vm1", "0", One),
                Vms.Vm("prod_vm1", "1", One, pid: 2000),
                Vms.Vm("prod_vm1", "2", One, pid: 3000).InPod("u1")
            )
        );

    [Theory]
    [InlineData("prod", "vm1", "prod_vm1", "prod/vm1")]
    [InlineData(null, "vm1", "default_vm1", "default/vm1")]
    [InlineData(null, "vm1", "vm1", "default/vm1")]
    public void A_VMI_is_matched_by_namespace_and_name(
        string? space,
        string name,
        string guest,
        string expected
    )
    {
        var node = With(
            new VmiFacts(space, name) { Spec = new() { DedicatedCpuPlacement = true } }
        );

        var plan = node.PassOne(Vms.Vm(guest, "0", One));

        Assert.Equal(expected, $"{plan.Namespace}/{plan.Name}");
        Assert.Equal(FactSource.File, plan.Source);
        Assert.True(plan.Dedicated);
    }

    [Theory]
    [InlineData("prod", "vm1", "vm1")]
    [InlineData("prod", "vm1", "test_vm1")]
    [InlineData(null, "vm1", "prod_vm1")]
    [InlineData("prod", "vm1", "prod_vm1_2")]
    public void A_VMI_of_another_name_is_somebody_elses(string? space, string name, string guest)
    {
        var node = With(new VmiFacts(space, name));

        Assert.Equal(FactSource.Inferred, node.PassOne(Vms.Vm(guest, "0", One)).Source);
    }

    [Fact]
    public void A_VMI_that_asks_for_no_dedicated_CPUs_keeps_its_VM_out_though_its_cpuset_would_do()
    {
        var plan = With(new VmiFacts("prod", "vm1")).PassOne(Vms.Vm("prod_vm1", "0", One));

        Assert.False(plan.Dedicated);
        Assert.Equal("NotDedicated DedicatedCpusNotRequested", plan.Standing());
    }

    [Fact]
    public void A_VMI_that_asks_without_a_cpuset_given_to_its_VM_is_not_exclusive()
    {
        var node = With(
            new VmiFacts("prod", "vm1") { Spec = new() { DedicatedCpuPlacement = true } }
        );

        var plan = node.PassOne(Vms.Vm("prod_vm1", "0-15", One) with { GivenCpuset = null });

        Assert.True(plan.Dedicated);
        Assert.Equal("NotExclusive NoCpusetOfItsOwn", plan.Standing());
    }

    [Fact]
    public void A_VMI_that_asks_for_more_than_its_cpuset_has_is_refused_not_passed_over()
    {
        var node = With(
            new VmiFacts("prod", "vm1") { Spec = new() { DedicatedCpuPlacement = true } }
        );

        var plan = node.PassOne(Vms.Vm("prod_vm1", "0", new GuestTopology(2, 1, 1)));

        Assert.True(plan.Dedicated);
        Assert.Equal("Refused NotEnoughCpus", plan.Standing());
    }

    [Fact]
    public void The_VMI_tells_the_emulator_and_nothing_is_inferred()
    {
        // Two CPUs beyond the vCPUs, which without a VMI would both be the emulator's.
        var vm = Vms.Vm("prod_vm1", "0-2,8-10", new GuestTopology(1, 2, 2));
        var plain = new VmiFacts("prod", "vm1") { Spec = new() { DedicatedCpuPlacement = true } };
        var isolated = plain.Asking(spec => spec with { IsolateEmulatorThread = true });
        var even = isolated.Asking(spec => spec with { EmulatorThreadCompleteToEvenParity = true });

        Assert.Equal("0-2,8-10", With(plain).PassOne(vm).Emulator());
        Assert.Equal("2", With(isolated).PassOne(vm).Emulator());
        Assert.Equal("2,10", With(even).PassOne(vm).Emulator());
        Assert.Equal("2,10", new Node().PassOne(vm).Emulator());
    }

    [Fact]
    public void The_VMIs_NUMA_passthrough_keeps_guest_cores_within_nodes()
    {
        var facts = new VmiFacts("prod", "vm1")
        {
            Spec = new VmiSpec { DedicatedCpuPlacement = true, NumaPassthrough = true },
        };
        var node = new Node(Nodes.B) { Settings = new PlanSettings([], [facts]) };

        var plan = node.PassOne(Vms.Vm("prod_vm1", "0,4", new GuestTopology(1, 1, 2)));

        Assert.Equal("Refused CrossesNumaNodes", plan.Standing());
    }

    private static Node With(VmiFacts vmi) => new() { Settings = new PlanSettings([], [vmi]) };

    private static IEnumerable<string> Names(Node node, params ObservedVm[] vms) =>
        node.Pass(vms).Select(plan => $"{plan.Namespace}/{plan.Name}");
}
