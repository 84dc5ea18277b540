using System.Collections.Immutable;
using PinAgent.Model.Kubernetes;
using PinAgent.Model.Vm;
using PinAgent.Plan.Rivals;

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
        ImmutableArray<VmiFacts> vmis,
        Precedence precedence
    )
    {
        var shared = vms.Where(vm => !vm.IsInPod && vm is { HasVcpus: true, GuestName: not null })
            .GroupBy(vm => vm.GuestName!)
            .Where(group => group.Count() > 1)
            .ToDictionary(group => group.Key, group => FindOwner([.. group], precedence));
        return vms.Select(vm =>
            vm.IsInPod ? Name(vm, vmis, isNameShared: false)
            : vm.GuestName is not { } name || !shared.TryGetValue(name, out var owner)
                ? Name(vm, vmis, IsShadow(vm, vms))
            : owner is null ? Name(vm, vmis, isNameShared: true)
            : owner.Key == vm.Key ? Name(vm, vmis, isNameShared: false)
            : Unmask(vm, owner, precedence)
        );
    }

    // The one that has a better right to it than each of the others; without one nobody has it.
    private static ObservedVm? FindOwner(ObservedVm[] namesakes, Precedence precedence) =>
        namesakes.FirstOrDefault(vm =>
            namesakes.All(other => other.Key == vm.Key || precedence.IsFirst(vm, other))
        );

    // A name alone gets it no VMI either.
    private static DedicationVerdict Unmask(
        ObservedVm vm,
        ObservedVm owner,
        Precedence precedence
    ) =>
        new(vm, HostNamespace, $"pid-{vm.Key.Pid}")
        {
            Advisories =
            [
                $"calls itself {vm.GuestName} as process {owner.Key.Pid} does, which keeps the name because it "
                    + $"{precedence.Why(owner, vm)}: one of them may only pose as it",
            ],
        };

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
            : vm.IsInPod && split > 0 ? (guest[..split], guest[(split + 1)..])
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
}
