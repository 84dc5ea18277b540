using PinAgent.Model.Node;
using PinAgent.Model.Vm;

namespace PinAgent.Plan.Dedication;

/// <summary>What wasn't read: there's more of it than a VM or a node has, or it couldn't be.</summary>
internal static class ReadingAdvisories
{
    /// <summary>Says it of a VM, whether or not it's dedicated.</summary>
    public static DedicationVerdict AddTo(DedicationVerdict verdict)
    {
        var vm = verdict.Vm;
        return
            vm
                is {
                    ThreadsLeftOut: 0,
                    CommandLineIsCut: false,
                    GuestNote: null,
                    IoThreadNote: null
                }
            ? verdict
            : verdict with
            {
                Advisories = [.. verdict.Advisories, .. Of(vm)],
            };
    }

    /// <summary>Says it of the node.</summary>
    public static IEnumerable<string> Of(NodeSnapshot snapshot) =>
        snapshot.VmsLeftOut > 0
            ?
            [
                $"{snapshot.VmsLeftOut} processes look like a QEMU beyond the {snapshot.Vms.Length} that are looked at, and are "
                    + "passed over: those of containers that have several, the youngest first",
            ]
            : [];

    private static IEnumerable<string> Of(ObservedVm vm)
    {
        if (vm.ThreadsLeftOut > 0)
        {
            yield return $"{vm.ThreadsLeftOut} of its threads are left as they are, beyond the {vm.Threads.Length} that are "
                + (vm.Problem is null ? "looked at: no VM has as many" : "shown");
        }

        if (vm.GuestNote is { } guest)
        {
            yield return guest;
        }

        if (vm.IoThreadNote is { } ioThreads)
        {
            yield return ioThreads;
        }

        if (vm.CommandLineIsCut)
        {
            yield return "QEMU's command line is longer than the 64 KiB that are read: a later -name, -smp or -machine isn't seen";
        }
    }
}
