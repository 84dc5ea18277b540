using System.Numerics;
using PinAgent.Model.Kubernetes;
using PinAgent.Plan.Rules;

namespace PinAgent.Plan.Capacity;

/// <summary>A dedicated VM as its node sees it: what its pod takes.</summary>
/// <param name="Vcpus">Its vCPUs, at least 1.</param>
internal sealed record CapacityShape(int Vcpus)
{
    /// <summary>Whether the emulator has CPUs of its own.</summary>
    public bool IsolateEmulator { get; init; }

    /// <summary>Whether it has two where the others are even in number.</summary>
    public bool EvenParity { get; init; }

    /// <summary>I/O threads with a CPU of their own each.</summary>
    public int SupplementalIoThreads { get; init; }

    /// <summary>Hook sidecars, which run in the shared pool.</summary>
    public int Sidecars { get; init; }

    /// <summary>What each of them takes.</summary>
    public ContainerAmount Sidecar { get; init; } = ContainerAmount.DefaultSidecar;

    /// <summary>Container disks, which run there too.</summary>
    public int ContainerDisks { get; init; }

    /// <summary>What each of them takes.</summary>
    public ContainerAmount ContainerDisk { get; init; } = ContainerAmount.DefaultContainerDisk;

    /// <summary>Whether a container copies its serial console into the pod's log, as in every VM that doesn't say no.</summary>
    public bool HasConsoleLog { get; init; } = true;

    /// <summary>What that takes.</summary>
    public ContainerAmount ConsoleLog { get; init; } = ContainerAmount.DefaultConsoleLog;

    /// <summary>The memory that its container requests; null for any.</summary>
    public Quantity? Memory { get; init; }

    /// <summary>How many CPUs it has to itself, by KubeVirt's sum.</summary>
    public int WholeCpus =>
        Vcpus
        + SupplementalIoThreads
        + RenderedCpus.EmulatorCpus(
            IsolateEmulator,
            EvenParity,
            Vcpus + SupplementalIoThreads,
            SupplementalIoThreads
        );

    /// <summary>What the containers beside it request, in thousandths of a CPU.</summary>
    public BigInteger SharedMilliCpus => Shared(amount => amount.Cpu.MilliValue);

    /// <summary>What its pod requests of CPUs, in thousandths.</summary>
    public BigInteger MilliCpus => (1000 * WholeCpus) + SharedMilliCpus;

    /// <summary>What its pod requests of memory, in bytes; null if that isn't counted.</summary>
    public BigInteger? MemoryBytes => Memory?.Value + Shared(amount => amount.Memory.Value);

    private BigInteger Shared(Func<ContainerAmount, BigInteger> of) =>
        (Sidecars * of(Sidecar))
        + (ContainerDisks * of(ContainerDisk))
        + (HasConsoleLog ? of(ConsoleLog) : 0);
}
