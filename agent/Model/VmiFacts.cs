namespace PinAgent.Model;

/// <summary>What a VirtualMachineInstance says of its CPUs. Only these fields are kept: VMIs can hold secrets.</summary>
/// <param name="Namespace">The namespace; null if the object doesn't name one.</param>
/// <param name="Name">The VMI's name.</param>
public sealed record VmiFacts(string? Namespace, string Name)
{
    /// <summary>The <c>ioThreadsPolicy</c> that gives I/O threads CPUs of their own.</summary>
    public const string SupplementalPool = "supplementalPool";

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
}
