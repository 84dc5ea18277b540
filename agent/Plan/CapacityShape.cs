using System.Numerics;
using PinAgent.Model;

namespace PinAgent.Plan;

/// <summary>A dedicated VM as its node sees it: what its pod takes.</summary>
/// <param name="Vcpus">Its vCPUs, at least 1.</param>
public sealed record CapacityShape(int Vcpus)
{
    // KubeVirt's defaults for container disks and hook sidecars.
    private const int SidecarMilliCpus = 200;
    private const int SidecarMemory = 64_000_000;

    /// <summary>Whether the emulator has CPUs of its own.</summary>
    public bool IsolateEmulator { get; init; }

    /// <summary>Whether it has two where the others are even in number.</summary>
    public bool EvenParity { get; init; }

    /// <summary>I/O threads with a CPU of their own each.</summary>
    public int SupplementalIoThreads { get; init; }

    /// <summary>Sidecars, which run in the shared pool.</summary>
    public int Sidecars { get; init; }

    /// <summary>The memory that its container requests; null for any.</summary>
    public Quantity? Memory { get; init; }

    /// <summary>How many CPUs it has to itself.</summary>
    public int WholeCpus =>
        Vcpus
        + SupplementalIoThreads
        + PlacementRequest.IsolatedEmulatorCpus(
            IsolateEmulator,
            EvenParity,
            Vcpus + SupplementalIoThreads
        );

    /// <summary>What its sidecars request, in thousandths of a CPU.</summary>
    public int SharedMilliCpus => Sidecars * SidecarMilliCpus;

    /// <summary>What its pod requests of CPUs, in thousandths.</summary>
    public long MilliCpus => (1000L * WholeCpus) + SharedMilliCpus;

    /// <summary>What its pod requests of memory, in bytes; null if that isn't counted.</summary>
    public BigInteger? MemoryBytes => Memory?.Value + ((long)Sidecars * SidecarMemory);
}
