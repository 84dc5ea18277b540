using PinAgent.Model.Vm;

namespace PinAgent.Report.Status;

/// <summary>Whose word it is which CPUs are a VM's, in words.</summary>
internal static class CpuSourceText
{
    /// <summary>The words; null where they'd say what everybody expects.</summary>
    public static string? Of(CpuSource? source) =>
        source switch
        {
            CpuSource.Administrator => "named with --vm",
            CpuSource.ThreadCgroups => "by its threads' own cgroups",
            CpuSource.InitialMask => "by the mask with which QEMU was started",
            CpuSource.Chosen => "chosen because no other VM has them",
            CpuSource.Inherited => "which everything may use",
            _ => null,
        };

    /// <summary>The CPUs with those words behind them.</summary>
    public static string Describe(string? cpus, CpuSource? source) =>
        Of(source) is { } words ? $"{cpus} ({words})" : $"{cpus}";
}
