using PinAgent.Model.Vm;
using PinAgent.Report.Status;

namespace PinAgent.Cli.Look;

/// <summary>Which VMs are looked at.</summary>
/// <param name="Text">A part of namespace/name, in capitals or not; empty for all.</param>
/// <param name="States">The states; empty for all.</param>
internal sealed record VmFilter(string Text, IReadOnlyCollection<VmState> States)
{
    /// <summary>All of them.</summary>
    public static VmFilter All { get; } = new("", []);

    /// <summary>Whether a VM is one of them.</summary>
    public bool Has(VmStatus vm) =>
        (States.Count == 0 || States.Contains(vm.State))
        && $"{vm.Namespace}/{vm.Name}".Contains(Text, StringComparison.OrdinalIgnoreCase);

    /// <summary>The status with those alone.</summary>
    public NodeStatus Of(NodeStatus status) =>
        this == All ? status : status with { Vms = [.. status.Vms.Where(Has)] };
}
