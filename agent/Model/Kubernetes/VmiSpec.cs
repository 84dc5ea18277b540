using System.Numerics;

namespace PinAgent.Model.Kubernetes;

/// <summary>
/// What a VirtualMachineInstance, or a VirtualMachine's template, says of its CPUs and memory. Only these fields are
/// kept: VMIs can hold secrets.
/// </summary>
/// <remarks>Source: KubeVirt, <c>staging/src/kubevirt.io/api/core/v1/schema.go</c>.</remarks>
internal sealed record VmiSpec
{
    /// <summary>The <c>ioThreadsPolicy</c> that gives I/O threads CPUs of their own.</summary>
    public const string SupplementalPool = "supplementalPool";

    /// <summary>Where the VMI's spec is in the object: <c>spec</c>, or a VirtualMachine's <c>spec.template.spec</c>.</summary>
    public string SpecPath { get; init; } = "spec";

    /// <summary>Whether the API server has stored the object: it has a uid.</summary>
    public bool IsStored { get; init; }

    /// <summary>Whether <c>spec.instancetype</c> is there, so that CPUs and memory come from elsewhere.</summary>
    public bool HasInstancetype { get; init; }

    /// <summary>Whether annotation <c>alpha.kubevirt.io/EmulatorThreadCompleteToEvenParity</c> is there.</summary>
    public bool EmulatorThreadCompleteToEvenParity { get; init; }

    /// <summary>Whether annotation <c>hooks.kubevirt.io/hookSidecars</c> says something.</summary>
    public bool HasHookSidecars { get; init; }

    /// <summary><c>spec.architecture</c>; null for the cluster's default.</summary>
    public string? Architecture { get; init; }

    /// <summary><c>spec.domain.cpu.dedicatedCpuPlacement</c>.</summary>
    public bool DedicatedCpuPlacement { get; init; }

    /// <summary><c>spec.domain.cpu.isolateEmulatorThread</c>.</summary>
    public bool IsolateEmulatorThread { get; init; }

    /// <summary><c>spec.domain.cpu.sockets</c>; 0 is the same as absent.</summary>
    public uint Sockets { get; init; }

    /// <summary><c>spec.domain.cpu.cores</c>; 0 is the same as absent.</summary>
    public uint Cores { get; init; }

    /// <summary><c>spec.domain.cpu.threads</c>; 0 is the same as absent.</summary>
    public uint Threads { get; init; }

    /// <summary><c>spec.domain.cpu.maxSockets</c>; 0 is the same as absent.</summary>
    public uint MaxSockets { get; init; }

    /// <summary>Whether <c>spec.domain.cpu.numa.guestMappingPassthrough</c> is there.</summary>
    public bool NumaPassthrough { get; init; }

    /// <summary>Whether <c>spec.domain.cpu.realtime</c> is there.</summary>
    public bool Realtime { get; init; }

    /// <summary><c>spec.domain.cpu.realtime.mask</c>; null if it isn't there.</summary>
    public string? RealtimeMask { get; init; }

    /// <summary><c>spec.domain.ioThreadsPolicy</c>; null if it isn't there.</summary>
    public string? IoThreadsPolicy { get; init; }

    /// <summary><c>spec.domain.ioThreads.supplementalPoolThreadCount</c>; 0 is the same as absent.</summary>
    public uint SupplementalPoolThreadCount { get; init; }

    /// <summary><c>spec.domain.resources.requests.cpu</c>.</summary>
    public Quantity? CpuRequest { get; init; }

    /// <summary><c>spec.domain.resources.limits.cpu</c>.</summary>
    public Quantity? CpuLimit { get; init; }

    /// <summary><c>spec.domain.resources.requests.memory</c>.</summary>
    public Quantity? MemoryRequest { get; init; }

    /// <summary><c>spec.domain.resources.limits.memory</c>.</summary>
    public Quantity? MemoryLimit { get; init; }

    /// <summary><c>spec.domain.memory.guest</c>.</summary>
    public Quantity? GuestMemory { get; init; }

    /// <summary>Whether <c>spec.domain.memory.hugepages</c> is there.</summary>
    public bool HasHugepages { get; init; }

    /// <summary><c>spec.domain.memory.hugepages.pageSize</c>, as it's written; null if it isn't there.</summary>
    public string? PageSize { get; init; }

    /// <summary>Whether <c>spec.domain.cpu</c> has at least one of sockets, cores and threads.</summary>
    public bool HasTopology => Sockets > 0 || Cores > 0 || Threads > 0;

    /// <summary>
    /// The number of vCPUs by the topology alone, what is absent counting 1; 0 if there is no topology.
    /// </summary>
    /// <remarks>Source: KubeVirt, <c>pkg/util/hardware/hw_utils.go</c> (<c>GetNumberOfVCPUs</c>), without its overflow.</remarks>
    public UInt128 TopologyVcpus =>
        HasTopology ? (UInt128)Math.Max(Sockets, 1) * Math.Max(Cores, 1) * Math.Max(Threads, 1) : 0;

    /// <summary>
    /// The number of vCPUs it says: by the topology, else the integer of the CPU limit, else of the request; null if
    /// none of them tells.
    /// </summary>
    /// <remarks>Source: KubeVirt, <c>pkg/defaults/defaults.go</c> (<c>SetDefaultGuestCPUTopology</c>).</remarks>
    public UInt128? SaidVcpus =>
        HasTopology ? TopologyVcpus
        : (CpuLimit ?? CpuRequest) is { Sign: > 0 } cpus ? UInt128.CreateSaturating(cpus.Value)
        : null;

    /// <summary>
    /// The number of vCPUs once KubeVirt's defaults are in: without a topology the CPU limit becomes sockets, a limit of
    /// 0 too, or else the request. KubeVirt counts in 32 bits; -1 is for what is no number there.
    /// </summary>
    /// <remarks>Source: KubeVirt, <c>pkg/defaults/defaults.go</c> (<c>SetDefaultGuestCPUTopology</c>).</remarks>
    public BigInteger DefaultedVcpus =>
        (HasTopology ? TopologyVcpus : (CpuLimit ?? CpuRequest)?.Value ?? BigInteger.One) switch
        {
            var none when none.IsZero => BigInteger.One,
            var some when some.Sign < 0 || some > uint.MaxValue => BigInteger.MinusOne,
            var vcpus => vcpus,
        };

    /// <summary>The number of sockets once KubeVirt's defaults are in.</summary>
    public BigInteger DefaultedSockets => HasTopology ? Sockets : DefaultedVcpus;

    /// <summary>The number of vCPUs; 1 if nothing tells.</summary>
    public UInt128 Vcpus => SaidVcpus ?? 1;

    /// <summary>Whether each I/O thread gets a CPU of its own.</summary>
    public bool HasSupplementalIoThreads => IoThreadsPolicy == SupplementalPool;

    /// <summary>How many I/O threads get a CPU each.</summary>
    public uint SupplementalIoThreads => HasSupplementalIoThreads ? SupplementalPoolThreadCount : 0;
}
