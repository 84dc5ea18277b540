using System.Numerics;
using PinAgent.Model.Kubernetes;
using PinAgent.Plan.Placement;

namespace PinAgent.Plan.Rules;

/// <summary>
/// The whole CPUs that KubeVirt asks for in the pod of a dedicated VM. With even parity its sum counts the supplemental
/// pool twice, so that an odd pool turns the parity round: that isn't what the VM needs, and it is what the pod gets.
/// </summary>
/// <param name="IoThreads">For the supplemental pool: as many as are counted, whatever the policy.</param>
/// <remarks>Source: KubeVirt, <c>pkg/virt-controller/services/renderresources.go</c> (<c>WithCPUPinning</c>).</remarks>
internal sealed record RenderedCpus(BigInteger Vcpus, BigInteger IoThreads, int Emulator)
{
    /// <summary>All of them.</summary>
    public BigInteger Total => Vcpus + IoThreads + Emulator;

    /// <summary>What KubeVirt asks for a VM.</summary>
    public static RenderedCpus Of(VmiSpec vmi)
    {
        BigInteger vcpus = vmi.Vcpus;
        return new(
            vcpus,
            vmi.SupplementalPoolThreadCount,
            EmulatorCpus(
                vmi.IsolateEmulatorThread,
                vmi.EmulatorThreadCompleteToEvenParity,
                vcpus + vmi.SupplementalPoolThreadCount,
                vmi.SupplementalIoThreads
            )
        );
    }

    /// <summary>How many of them are the emulator's: 0, 1 or 2.</summary>
    /// <param name="isIsolated">Whether it gets any.</param>
    /// <param name="completesEvenParity">Whether the annotation for even parity is there.</param>
    /// <param name="others">The CPUs of vCPUs and counted I/O threads.</param>
    /// <param name="pool">The threads of a supplemental pool, which count once more.</param>
    public static int EmulatorCpus(
        bool isIsolated,
        bool completesEvenParity,
        BigInteger others,
        BigInteger pool
    ) =>
        PlacementRequest.IsolatedEmulatorCpus(
            isIsolated,
            completesEvenParity,
            (long)((others + pool) % 2)
        );
}
