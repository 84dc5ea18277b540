using System.Numerics;
using PinAgent.Model.Kubernetes;
using PinAgent.Plan.Rules;

namespace PinAgent.Report.Rules;

/// <summary>How many CPUs a VM asks for as its own.</summary>
/// <param name="Cpus">All that its pod will request; 0 if it asks for none.</param>
/// <param name="IoThreads">Of them for supplemental I/O threads.</param>
/// <param name="Emulator">Of them for the emulator.</param>
internal sealed record DedicatedCpusStatus(long Cpus, long Vcpus, long IoThreads, int Emulator)
{
    /// <summary>Counts; null where an instancetype that isn't there decides.</summary>
    public static DedicatedCpusStatus? Of(VmiSpec vmi)
    {
        if (vmi.HasInstancetype)
        {
            return null;
        }

        if (!vmi.DedicatedCpuPlacement)
        {
            return new(0, 0, 0, 0);
        }

        var cpus = RenderedCpus.Of(vmi);
        return new(Bound(cpus.Total), Bound(cpus.Vcpus), Bound(cpus.IoThreads), cpus.Emulator);
    }

    private static long Bound(BigInteger count) => (long)BigInteger.Min(count, long.MaxValue);
}
