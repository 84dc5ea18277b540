using System.Globalization;
using PinAgent.NativeInterop;
using Xunit;

namespace PinAgent.Tests.Native;

/// <summary>Clocks against the kernel's own files.</summary>
public sealed class KernelClockTests
{
    [Fact]
    public void The_time_since_boot_is_the_one_by_which_proc_tells_when_processes_started()
    {
        var before = Uptime();
        var now = KernelClock.SinceBoot().TotalSeconds;
        var after = Uptime();

        // The file has hundredths of a second.
        Assert.InRange(now, before - 0.011, after + 0.011);
    }

    private static double Uptime() =>
        double.Parse(File.ReadAllText("/proc/uptime").Split(' ')[0], CultureInfo.InvariantCulture);
}
