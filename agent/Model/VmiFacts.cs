namespace PinAgent.Model;

/// <summary>What a VirtualMachineInstance says of its CPUs. Only these fields are kept: VMIs can hold secrets.</summary>
/// <param name="Namespace">The namespace; null if the object doesn't name one.</param>
/// <param name="Name">The VMI's name.</param>
public sealed record VmiFacts(string? Namespace, string Name)
{
    /// <summary>The <c>ioThreadsPolicy</c> that gives I/O threads CPUs of their own.</summary>
    public const string SupplementalPool = "supplementalPool";

    /// <summary>The object's uid; null outside a cluster.</summary>
    public string? Uid { get; init; }

    /// <summary><c>spec.domain.cpu.dedicatedCpuPlacement</c>.</summary>
    public bool DedicatedCpuPlacement { get; init; }

    /// <summary><c>spec.domain.cpu.isolateEmulatorThread</c>.</summary>
    public bool IsolateEmulatorThread { get; init; }

    /// <summary>Whether annotation <c>alpha.kubevirt.io/EmulatorThreadCompleteToEvenParity</c> is there.</summary>
    public bool EmulatorThreadCompleteToEvenParity { get; init; }

    /// <summary><c>spec.domain.cpu.numa.guestMappingPassthrough</c>.</summary>
    public bool NumaPassthrough { get; init; }

    /// <summary>Whether <c>spec.domain.ioThreadsPolicy</c> is <see cref="SupplementalPool"/>.</summary>
    public bool HasSupplementalIoThreads { get; init; }

    /// <summary><c>spec.domain.cpu.sockets</c>; 0 is the same as absent.</summary>
    public uint Sockets { get; init; }

    /// <summary><c>spec.domain.cpu.cores</c>; 0 is the same as absent.</summary>
    public uint Cores { get; init; }

    /// <summary><c>spec.domain.cpu.threads</c>; 0 is the same as absent.</summary>
    public uint Threads { get; init; }

    /// <summary><c>spec.domain.cpu.maxSockets</c>; 0 is the same as absent.</summary>
    public uint MaxSockets { get; init; }

    /// <summary><c>status.currentCPUTopology</c>; null if it isn't there, or isn't a topology.</summary>
    public GuestTopology? CurrentTopology { get; init; }

    /// <summary>Whether <c>spec.domain.cpu.realtime</c> is there.</summary>
    public bool Realtime { get; init; }

    /// <summary><c>spec.domain.cpu.realtime.mask</c>.</summary>
    public string? RealtimeMask { get; init; }

    /// <summary><c>spec.domain.ioThreadsPolicy</c>.</summary>
    public string? IoThreadsPolicy { get; init; }

    /// <summary><c>spec.domain.resources.requests.cpu</c>, as it is written.</summary>
    public string? CpuRequest { get; init; }

    /// <summary><c>spec.domain.resources.limits.cpu</c>, as it is written.</summary>
    public string? CpuLimit { get; init; }

    /// <summary><c>status.nodeName</c>.</summary>
    public string? NodeName { get; init; }

    /// <summary><c>status.migrationState.sourceNode</c>.</summary>
    public string? MigrationSource { get; init; }

    /// <summary><c>status.migrationState.targetNode</c>.</summary>
    public string? MigrationTarget { get; init; }

    /// <summary>Annotation <c>pinagent.dev/mode</c>.</summary>
    public string? Mode { get; init; }

    /// <summary>Why nothing but the name is known of it; null if it could be read.</summary>
    public string? Problem { get; init; }

    /// <summary>
    /// The number of vCPUs the spec asks for: by the topology, else by a whole number of CPUs in the limit, else in
    /// the request; null if none of them tells.
    /// </summary>
    public long? SpecVcpus =>
        Sockets + Cores + Threads > 0
            ? (long)Math.Max(Sockets, 1) * Math.Max(Cores, 1) * Math.Max(Threads, 1)
        : ushort.TryParse(CpuLimit ?? CpuRequest, out var cpus) && cpus > 0 ? cpus
        : null;
}
