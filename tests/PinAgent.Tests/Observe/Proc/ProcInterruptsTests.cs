using System.Text;
using PinAgent.Observe.Proc;
using Xunit;

namespace PinAgent.Tests.Observe.Proc;

/// <summary><c>/proc/interrupts</c> of a machine whose CPU 1 is offline.</summary>
public sealed class ProcInterruptsTests
{
    private const string Head = "            CPU0       CPU2       CPU10\n";

    [Theory]
    [InlineData(
        "  24:          0       1312          7  PCI-MSIX-0000:00:03.0   1-edge      virtio1-input.0",
        "virtio1-input.0: 2=1312 10=7"
    )]
    [InlineData(
        "   9:          3          0          0  IO-APIC   9-fasteoi   acpi, my device",
        "acpi, my device: 0=3"
    )]
    [InlineData("9999: 1 1 1 GICv3 68 Level  mmci-pl18x (cmd)", "mmci-pl18x (cmd): 0=1 2=1 10=1")]
    [InlineData("  8:  0  0  0  IO-APIC   8-edge      rtc0", "rtc0: ")]
    public void Reads_a_devices_interrupt(string line, string expected)
    {
        var read = Assert.Single(Parse(line));

        Assert.True(read.IsDevice);
        Assert.Equal(expected, Text(read));
    }

    [Theory]
    [InlineData(" LOC:        812        907          3   Local timer interrupts")]
    [InlineData(" RES:          1          2          3   Rescheduling interrupts")]
    [InlineData("IPI0:          1          2          3       Rescheduling interrupts")]
    [InlineData(" ERR:          4")]
    [InlineData("   0:         32          0          0  IO-APIC   2-edge      timer")]
    [InlineData("  11:       9021       7341       1234  GICv3  27 Level     arch_timer")]
    [InlineData("  48:       1077          0          0  xen-percpu    -virq      xen-percpu")]
    public void What_every_CPU_has_of_its_own_is_no_device(string line) =>
        Assert.False(Assert.Single(Parse(line)).IsDevice);

    [Theory]
    [InlineData("")]
    [InlineData("no colon")]
    [InlineData(" 24 1 2 3")]
    public void What_isnt_a_line_is_passed_over(string line) => Assert.Empty(Parse(line));

    [Fact]
    public void A_line_with_fewer_numbers_gives_what_it_has() =>
        Assert.Equal(": 0=4", Text(Assert.Single(Parse(" ERR:          4"))));

    [Fact]
    public void An_empty_file_has_no_interrupts() => Assert.Empty(ProcInterrupts.Parse([]));

    private static IReadOnlyList<InterruptLine> Parse(string line) =>
        ProcInterrupts.Parse(Encoding.UTF8.GetBytes($"{Head}{line}\n"));

    private static string Text(InterruptLine line) =>
        $"{line.Name}: {string.Join(' ', line.Counts.OrderBy(count => count.Key).Select(count => $"{count.Key}={count.Value}"))}";
}
