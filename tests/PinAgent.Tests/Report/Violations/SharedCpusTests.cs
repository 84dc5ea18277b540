using PinAgent.Model.Cpu;
using PinAgent.Model.Node;
using PinAgent.Model.Vm;
using PinAgent.Report.Violations;
using PinAgent.Tests.Plan;
using Xunit;

namespace PinAgent.Tests.Report.Violations;

/// <summary>CPUs and cores of two dedicated VMs, on a node of four cores with two threads.</summary>
public sealed class SharedCpusTests
{
    [Fact]
    public void Whole_cores_for_each_VM_are_no_violation()
    {
        Assert.Empty(Of(("a", "0,4"), ("b", "1-2,5-6")));
    }

    [Fact]
    public void CPUs_in_two_cpusets_are_told_once_with_both_VMs()
    {
        var violation = Assert.Single(Of(("a", "0-1,4-5"), ("b", "1-2,5-6"), ("c", "3,7")));

        Assert.Equal(
            (ViolationKind.Overlap, CpuSet.Parse("1,5")),
            (violation.Kind, violation.Cpus)
        );
        Assert.StartsWith(
            "CPUs 1,5 are in the cpusets of both host/a and host/b",
            violation.Message
        );
    }

    [Fact]
    public void CPUs_of_three_VMs_are_told_once_and_not_pair_by_pair()
    {
        var violations = Of(("a", "0-1,4-5"), ("b", "0-1,4-5"), ("c", "1,4-5"));

        Assert.Equal(
            ["0: host/a, host/b", "1,4-5: host/a, host/b, host/c"],
            violations
                .Where(violation => violation.Kind == ViolationKind.Overlap)
                .Select(violation => $"{violation.Cpus}: {violation.By}")
        );
        Assert.StartsWith(
            "CPUs 1,4-5 are in the cpusets of 3 VMs, host/a, host/b, host/c: each slows the others down",
            violations[1].Message
        );
    }

    [Fact]
    public void A_core_of_three_VMs_is_told_once_of_each()
    {
        var violations = Of(("a", "0-1"), ("b", "4"), ("c", "5"));

        Assert.Equal(
            ["0-1 by host/b, host/c", "4 by host/a", "5 by host/a"],
            violations.Select(violation => $"{violation.Cpus} by {violation.By}")
        );
    }

    [Fact]
    public void A_core_of_two_VMs_is_told_of_each()
    {
        var violations = Of(("a", "0-1"), ("b", "2,4"));

        Assert.Equal(
            [(ViolationKind.Sibling, "0"), (ViolationKind.Sibling, "4")],
            violations.Select(violation => (violation.Kind, violation.Cpus.ToString()))
        );
        Assert.StartsWith("vCPUs of host/a on CPUs 0 share their cores", violations[0].Message);
        Assert.StartsWith("vCPUs of host/b on CPUs 4 share their cores", violations[1].Message);
    }

    [Fact]
    public void Whoever_asked_for_nothing_breaks_nothing()
    {
        Assert.Empty(Of(("a", "0,4"), ("", null)));
    }

    private static IReadOnlyList<Violation> Of(params (string Name, string? Cpuset)[] guests)
    {
        var node = new Node(Nodes.A) { Settings = new PlanSettings(["a", "b", "c"], []) };
        var vms = guests.Select(
            (guest, i) =>
                Vms.Vm(
                    guest.Name,
                    guest.Cpuset ?? "0-7",
                    new GuestTopology(
                        guest.Cpuset is null ? 1 : CpuSet.Parse(guest.Cpuset).Count,
                        1,
                        1
                    ),
                    Vms.FirstPid + (i * 100)
                )
        );
        return SharedCpus.Of(node.Pass([.. vms]), node.Topology);
    }
}
