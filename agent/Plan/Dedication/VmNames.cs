using System.Collections.Immutable;
using PinAgent.Model.Kubernetes;
using PinAgent.Model.Vm;

namespace PinAgent.Plan.Dedication;

/// <summary>
/// What VMs are called, and which VMI is whose. KubeVirt calls a guest <c>&lt;namespace&gt;_&lt;name&gt;</c>.
/// </summary>
internal static class VmNames
{
    private const string HostNamespace = "host";
    private const string DefaultNamespace = "default";

    /// <summary>Names the VMs.</summary>
    public static IEnumerable<DedicationVerdict> Of(
        ImmutableArray<ObservedVm> vms,
        ImmutableArray<VmiFacts> vmis
    )
    {
        var shared = vms.Where(vm => !IsInPod(vm) && vm is { HasVcpus: true, GuestName: not null })
            .GroupBy(vm => vm.GuestName)
            .Where(group => group.Count() > 1)
            .Select(group => group.Key)
            .ToHashSet();
        return vms.Select(vm =>
            Name(vm, vmis, !IsInPod(vm) && (shared.Contains(vm.GuestName) || IsShadow(vm, vms)))
        );
    }

    private static DedicationVerdict Name(
        ObservedVm vm,
        ImmutableArray<VmiFacts> vmis,
        bool isNameShared
    )
    {
        if (vm.GuestName is not { } guest)
        {
            return new(vm, HostNamespace, $"pid-{vm.Key.Pid}");
        }

        var vmi = vmis.FirstOrDefault(vmi =>
            guest == $"{vmi.Namespace ?? DefaultNamespace}_{vmi.Name}"
            || (vmi.Namespace is null && guest == vmi.Name)
        );
        var split = guest.IndexOf('_');
        var (space, name) =
            vmi is not null ? (vmi.Namespace ?? DefaultNamespace, vmi.Name)
            : IsInPod(vm) && split > 0 ? (guest[..split], guest[(split + 1)..])
            : (HostNamespace, guest);
        if (isNameShared)
        {
            (space, name) = (HostNamespace, $"pid-{vm.Key.Pid}");
        }

        return new(vm, space, name)
        {
            Vmi = vmi,
            Source = vmi is null ? FactSource.Inferred : FactSource.File,
        };
    }

    // A QEMU without vCPU threads, a fork of one say, doesn't take a running guest's name from it.
    private static bool IsShadow(ObservedVm vm, ImmutableArray<ObservedVm> vms) =>
        !vm.HasVcpus && vms.Any(other => other.HasVcpus && other.GuestName == vm.GuestName);

    private static bool IsInPod(ObservedVm vm) => vm.Cgroup?.PodUid is not null;
}
