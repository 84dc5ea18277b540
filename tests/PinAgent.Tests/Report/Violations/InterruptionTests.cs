using PinAgent.Model.Cpu;
using PinAgent.Model.Node;
using PinAgent.Model.Vm;
using PinAgent.Report.Violations;
using PinAgent.Tests.Plan;
using Xunit;

namespace PinAgent.Tests.Report.Violations;

/// <summary>Devices that interrupt the CPUs of vCPUs, 0 and 4.</summary>
public sealed class InterruptionTests
{
    [Theory]
    [InlineData("0", "", "devices interrupt CPUs 0 of host/a's vCPUs: nic (interrupt 24); route")]
    [InlineData("", "4", "CPUs 4 of host/a's vCPUs: nic (interrupt 24, fired lately); route")]
    [InlineData("0-7", "", "devices interrupt CPUs 0,4 of host/a's vCPUs: nic (interrupt 24); ")]
    [InlineData("1-3", "5", null)]
    public void A_device_that_reaches_a_vCPUs_CPU_is_told(
        string routed,
        string fired,
        string? expected
    )
    {
        var told = Of(Device(24, "nic", routed, fired));

        Assert.Equal(expected is not null, told.Count == 1);
        Assert.All(told, violation => Assert.Contains(expected!, violation.Message));
    }

    [Fact]
    public void Those_that_have_fired_lately_come_first()
    {
        var violation = Assert.Single(
            Of(
                Device(24, "a", "0", ""),
                Device(25, "b", "4", ""),
                Device(26, "c", "4", "4"),
                Device(27, "d", "0", "")
            )
        );

        Assert.Equal(
            (ViolationKind.Interrupts, CpuSet.Parse("0,4")),
            (violation.Kind, violation.Cpus)
        );
        Assert.Contains(
            "c (interrupt 26, fired lately), a (interrupt 24), b (interrupt 25) and 1 more;",
            violation.Message
        );
    }

    private static DeviceInterrupt Device(int number, string name, string routed, string fired) =>
        new(number, name, CpuSet.Parse(routed), CpuSet.Parse(fired));

    private static IReadOnlyList<Violation> Of(params DeviceInterrupt[] interrupts)
    {
        var node = new Node(Nodes.A) { Settings = new PlanSettings(["a"], []) };
        return
        [
            .. Interruptions.Of(
                node.Pass(Vms.Vm("a", "0,4", new GuestTopology(1, 1, 2))),
                interrupts
            ),
        ];
    }
}
