namespace PinAgent.Model.Vm;

/// <summary>The time in which QEMU creates a VM's vCPUs and a manager places them.</summary>
internal static class VmBeginning
{
    /// <summary>How long it is.</summary>
    public static readonly TimeSpan Lasts = TimeSpan.FromSeconds(5);

    /// <summary>Whether a VM is in it.</summary>
    /// <param name="now">The time since the machine's boot.</param>
    public static bool IsOf(VmKey vm, TimeSpan now) => now >= Began(vm) && now < Ends(vm);

    /// <summary>When it's over, since the machine's boot.</summary>
    public static TimeSpan Ends(VmKey vm) => Began(vm) + Lasts;

    private static TimeSpan Began(VmKey vm) =>
        TimeSpan.FromSeconds(vm.StartTime / ClockTicks.PerSecond);
}
