using PinAgent.Model.Cpu;
using PinAgent.Model.Vm;

namespace PinAgent.Plan.Placement;

/// <summary>The sentences of refusals: what was asked for, what there is, what to do.</summary>
internal static class Refusals
{
    public static Refusal InvalidInput(PlacementRequest request, string message) =>
        Refuse(request, Reason.InvalidInput, message);

    public static Refusal UnknownCpu(PlacementRequest request, CpuSet unknown) =>
        Refuse(
            request,
            Reason.UnknownCpu,
            $"the cpuset {request.Cpuset} names CPUs {unknown}, which the topology hasn't: "
                + $"expected some of {request.Topology.Online}"
        );

    public static Refusal NotEnoughCpus(PlacementRequest request) =>
        Refuse(
            request,
            Reason.NotEnoughCpus,
            $"not enough exclusive CPUs: {Count(request.Vcpus, "vCPU")} "
                + $"and {Count(request.Cpuset.Count, "CPU")} in the cpuset"
                + (
                    request.EmulatorCpuset.IsEmpty
                        ? ""
                        : $", {request.EmulatorCpuset} of them the emulator's"
                )
                + $"; the VM needs {request.NeededCpus}: give its container as many, or the guest fewer vCPUs"
        );

    public static Refusal CrossesNumaNodes(PlacementRequest request) =>
        Refuse(
            request,
            Reason.CrossesNumaNodes,
            $"would cross NUMA nodes inside one guest core: no node has {request.ThreadsPerCore} CPUs of "
                + $"cpuset {request.Cpuset} left for each guest core; use the topology manager's "
                + "single-numa-node policy, or give up guestMappingPassthrough"
        );

    public static Refusal NoCpuForIoThread(PlacementRequest request, int number) =>
        Refuse(
            request,
            Reason.NoCpuForIoThread,
            $"no CPU is left for supplemental I/O thread {number} of {request.SupplementalIoThreads}: "
                + $"the VM needs {Count(request.NeededCpus, "CPU")}, its cpuset has {request.Cpuset.Count}"
        );

    public static Refusal NoCpuForEmulator(PlacementRequest request, int number) =>
        Refuse(
            request,
            Reason.NoCpuForEmulator,
            $"no CPU is left for the {(number == 1 ? "isolated emulator" : "emulator's second CPU (even parity)")}: "
                + $"the VM needs {Count(request.NeededCpus, "CPU")}, its cpuset has {request.Cpuset.Count}"
        );

    public static Refusal NoCpuWithin(PlacementRequest request, int vcpu)
    {
        var own = request.VcpuCpusets[vcpu];
        var usable = own.Intersect(request.Cpuset).Except(request.EmulatorCpuset);
        return Refuse(
            request,
            Reason.NotEnoughCpus,
            $"vCPU {vcpu} finds no CPU of its own: its own cgroup has CPUs {own}, "
                + (
                    usable.IsEmpty
                        ? $"and none of the VM's {request.Cpuset.Except(request.EmulatorCpuset)}"
                        : $"and other vCPUs need {usable}"
                )
                + "; give its cgroup others (libvirt: <vcpu cpuset>, <vcpupin>), or the VM with --vm"
        );
    }

    private static Refusal Refuse(PlacementRequest request, Reason reason, string message) =>
        new(reason, message, request.NeededCpus, request.Cpuset.Count);

    private static string Count(int count, string what) =>
        $"{count} {what}{(count == 1 ? "" : "s")}";
}
