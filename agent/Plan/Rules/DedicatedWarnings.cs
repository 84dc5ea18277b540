using System.Collections.Immutable;
using System.Numerics;
using PinAgent.Model.Kubernetes;

namespace PinAgent.Plan.Rules;

/// <summary>What a VMI may do, and would better not.</summary>
/// <remarks>Source: the user guide's notes on dedicated CPU resources.</remarks>
internal static class DedicatedWarnings
{
    /// <summary>The warnings.</summary>
    public static ImmutableArray<string> Of(VmiSpec vmi, RuleContext context) =>
        [
            .. new[]
            {
                UnknownInstancetype(vmi),
                NoCount(vmi),
                PreferSockets(vmi),
                OneIsEnough(vmi),
                RealtimeMaskUnread(vmi),
                PoolWithoutPolicy(vmi),
                OddPool(vmi),
                HookSidecars(vmi, context),
            }.OfType<string>(),
        ];

    private static string? UnknownInstancetype(VmiSpec vmi) =>
        vmi.HasInstancetype
            ? "spec.instancetype brings CPUs and memory from another object, so whether the rules hold is unknown: "
                + "put it, and the preference, into the same file, or check the VirtualMachineInstance that the cluster makes of it"
            : null;

    // KubeVirt's defaults count it, so that its webhook never meets it.
    private static string? NoCount(VmiSpec vmi) =>
        vmi
            is {
                DedicatedCpuPlacement: true,
                HasInstancetype: false,
                HasTopology: false,
                CpuLimit: null or { Sign: 0 },
                CpuRequest: null or { Sign: 0 }
            }
            ? "dedicated CPUs, but how many? KubeVirt makes it 1 vCPU: set sockets, cores or threads beside it"
            : null;

    // The webhook lets it pass; virt-handler fails when the guest starts.
    private static string? RealtimeMaskUnread(VmiSpec vmi) =>
        vmi.Realtime && !RealtimeMask.TryParse(vmi.RealtimeMask, out _, out var problem)
            ? $"domain.cpu.realtime.mask: {problem}: KubeVirt accepts it, and can't start the VM"
            : null;

    private static string? PoolWithoutPolicy(VmiSpec vmi) =>
        vmi
            is {
                DedicatedCpuPlacement: true,
                HasInstancetype: false,
                HasSupplementalIoThreads: false,
                SupplementalPoolThreadCount: > 0 and var pool
            }
            ? $"domain.ioThreads.supplementalPoolThreadCount: KubeVirt asks for {pool} CPUs more, which no thread gets: "
                + $"ioThreadsPolicy isn't {VmiSpec.SupplementalPool}"
            : null;

    private static string? OddPool(VmiSpec vmi)
    {
        if (
            vmi
            is not {
                DedicatedCpuPlacement: true,
                HasInstancetype: false,
                HasSupplementalIoThreads: true
            }
        )
        {
            return null;
        }

        var asked = RenderedCpus.Of(vmi);
        var emulator = RenderedCpus.EmulatorCpus(
            vmi.IsolateEmulatorThread,
            vmi.EmulatorThreadCompleteToEvenParity,
            asked.Vcpus + asked.IoThreads,
            pool: 0
        );
        return asked.Emulator == emulator
            ? null
            : $"with {asked.IoThreads} supplemental I/O threads and even parity KubeVirt asks for {asked.Total} CPUs, and "
                + $"the VM needs {asked.Total - asked.Emulator + emulator}: make their number even"
                + (asked.Emulator < emulator ? ", or the VM can't start" : "");
    }

    private static string? PreferSockets(VmiSpec vmi) =>
        vmi is { DedicatedCpuPlacement: true, Cores: > 1, Sockets: <= 1 }
            ? "PreferSockets: the user guide measured sockets to be faster than cores: "
                + $"sockets: {vmi.Cores}, cores: 1, threads: {Math.Max(vmi.Threads, 1)} has as many vCPUs"
            : null;

    // The API server's defaults add what is missing, so that stored objects always have both.
    private static string? OneIsEnough(VmiSpec vmi) =>
        vmi is { DedicatedCpuPlacement: true, HasTopology: true, IsStored: false }
        && (Says(vmi.CpuRequest, vmi) || Says(vmi.CpuLimit, vmi))
            ? $"CPU resources and a guest topology both say {vmi.TopologyVcpus} vCPUs: one of the two is enough"
            : null;

    private static string? HookSidecars(VmiSpec vmi, RuleContext context) =>
        (vmi.HasHookSidecars, context.SidecarGate) switch
        {
            (true, FeatureGate.Off) =>
                "hook sidecars are asked for, but KubeVirt's feature gate Sidecar is off: the VM won't be accepted",
            (true, FeatureGate.Unknown) =>
                "hook sidecars need KubeVirt's feature gate Sidecar, which can't be seen from here",
            _ => null,
        };

    private static bool Says(Quantity? cpus, VmiSpec vmi) =>
        cpus is { IsWhole: true } given && given.Value == (BigInteger)vmi.TopologyVcpus;
}
