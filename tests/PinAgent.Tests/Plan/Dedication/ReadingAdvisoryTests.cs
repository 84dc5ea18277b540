using PinAgent.Model.Node;
using PinAgent.Model.Vm;
using PinAgent.Plan.Dedication;
using Xunit;

namespace PinAgent.Tests.Plan.Dedication;

/// <summary>What wasn't read of a VM is said, and prevents nothing.</summary>
public sealed class ReadingAdvisoryTests
{
    private static readonly ObservedVm Vm = Vms.Vm("vm1", "2-3", new GuestTopology(1, 2, 1));

    [Fact]
    public void A_VM_that_exceeds_a_bound_is_pinned_with_an_advisory()
    {
        var plan = new Node().PassOne(Vm with { ThreadsLeftOut = 4711, CommandLineIsCut = true });

        Assert.Null(plan.Obstacle);
        Assert.Contains(
            "4711 of its threads are left as they are, beyond the 4 that are looked at: no VM has as many",
            plan.Advisories
        );
        Assert.Contains(plan.Advisories, text => text.Contains("a later -name, -smp or -machine"));
    }

    [Fact]
    public void One_that_isnt_dedicated_says_it_as_well()
    {
        var plan = new Node().PassOne(Vm with { ThreadsLeftOut = 1, GivenCpuset = null });

        Assert.False(plan.Dedicated);
        Assert.Contains(plan.Advisories, text => text.StartsWith("1 of its threads"));
    }

    [Fact]
    public void Processes_beyond_the_bound_are_a_notice_of_the_node()
    {
        var snapshot = new NodeSnapshot(
            Nodes.Parse("(0,2)(1,3)"),
            [Vm],
            new CpuManagerObservation(CpuManagerState.None, null, [])
        );

        Assert.Empty(ReadingAdvisories.Of(snapshot));
        Assert.StartsWith(
            "7 processes look like a QEMU beyond the 1 that are looked at",
            Assert.Single(ReadingAdvisories.Of(snapshot with { VmsLeftOut = 7 }))
        );
        Assert.False(snapshot.IsSameAs(snapshot with { VmsLeftOut = 7 }));
    }
}
