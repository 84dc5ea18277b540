namespace PinAgent.Model.Vm;

/// <summary>The time in which QEMU creates a VM's vCPUs and a manager places them.</summary>
internal static class VmBeginning
{
    /// <summary>How long it is.</summary>
    public static readonly TimeSpan Lasts = TimeSpan.FromSeconds(5);
}
