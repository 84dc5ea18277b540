using PinAgent.Model.Cpu;
using PinAgent.Model.Node;
using PinAgent.Model.Vm;
using Xunit;

namespace PinAgent.Tests.Plan.Ownership;

/// <summary>Odd things that may happen to a plain host's VMs while the agent runs.</summary>
public sealed class ChangeTests
{
    private static readonly GuestTopology Two = new(1, 1, 2);

    [Fact]
    public void A_VM_that_cannot_be_read_for_a_moment_keeps_its_CPUs()
    {
        var node = Named("a", "b");
        var a = Vms.Vm("a", "0-15", Two).Unconfined();
        Assert.Equal("1 9", node.PassOne(a).Vcpus());

        var plans = node.Pass(
            a with
            {
                Cpuset = null,
            },
            Vms.Vm("b", "0-15", Two, pid: 2000).Unconfined()
        );

        Assert.Equal("3 11", plans[1].Vcpus());
        Assert.Equal("1 9", node.PassOne(a).Vcpus());
    }

    [Fact]
    public void So_does_one_whose_vCPUs_are_not_found_for_a_moment()
    {
        var node = Named("a", "b");
        var a = Vms.Vm("a", "0-15", Two).Unconfined();
        Assert.Equal("1 9", node.PassOne(a).Vcpus());

        var plans = node.Pass(
            a.Without(0).Without(1),
            Vms.Vm("b", "0-15", Two, pid: 2000).Unconfined()
        );

        Assert.Equal("3 11", plans[1].Vcpus());
        Assert.Equal("1 9", node.PassOne(a).Vcpus());
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_CPU_that_comes_online_gives_nobody_the_CPUs_that_were_there_before(bool isNamed)
    {
        var fewer = isNamed ? Named("a", "b") : new Node();
        var small = new Node("(0,8)(1,9)(2,10)(3,11)(4,12)(5,13)(6,14)(7)")
        {
            Settings = fewer.Settings,
        };
        var later = TimeSpan.FromSeconds(10_000);
        small.PassAt(later, On("0-14", "a", 1000), On("0-14", "b", 2000));
        var after = new Node { Settings = fewer.Settings, Known = small.Known };

        var plans = after.PassAt(later, On("0-15", "a", 1000), On("0-15", "b", 2000));

        Assert.All(
            plans,
            plan =>
                Assert.Equal(isNamed ? CpuSource.Chosen : CpuSource.Inherited, plan.Cpus!.Source)
        );

        ObservedVm On(string cpus, string name, int pid) =>
            Vms.Vm(name, cpus, Two, pid).Unconfined() with
            {
                IsOfRoot = true,
            };
    }

    [Fact]
    public void Vcpus_that_a_manager_has_confined_get_CPUs_there_and_the_others_elsewhere()
    {
        // <vcpupin vcpu='0' cpuset='4-5'/> and nothing of vCPU 1; <emulatorpin cpuset='6'/>.
        var a = Vms.Vm("a", "0-15", new(1, 2, 1)).Unconfined();
        a = a with
        {
            Threads =
            [
                .. a.Threads.Select(thread =>
                    thread.Index == 0 ? In(thread, "4-5")
                    : thread.Role == ThreadRole.Emulator ? In(thread, "6")
                    : thread
                ),
            ],
        };

        var plan = Named("a").PassOne(a);

        Assert.Equal("placed", plan.Standing());
        Assert.All(plan.Threads, thread => Assert.False(thread.IsConfined, $"{thread}"));
        Assert.Equal("4 1", plan.Vcpus());
        Assert.Equal("6", plan.Emulator());
    }

    [Fact]
    public void And_where_the_administrator_names_CPUs_for_the_VM()
    {
        var a = Vms.Vm("a", "0-15", new(1, 2, 1)).Unconfined();
        a = a with
        {
            Threads = [.. a.Threads.Select(thread => thread.Index == 1 ? In(thread, "4") : thread)],
        };

        var plan = Named("a=4-6").PassOne(a);

        Assert.Equal("5 4", plan.Vcpus());
        Assert.All(plan.Threads, thread => Assert.False(thread.IsConfined, $"{thread}"));
    }

    private static VmThread In(VmThread thread, string cpus) =>
        thread with
        {
            OwnCpuset = CpuSet.Parse(cpus),
            Affinity = CpuSet.Parse(cpus),
        };

    private static Node Named(params string[] names) =>
        new() { Settings = new PlanSettings([.. names.Select(name => new NamedGuest(name))], []) };
}
