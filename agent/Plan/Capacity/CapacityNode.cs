using System.Collections.Immutable;
using System.Numerics;

namespace PinAgent.Plan.Capacity;

/// <summary>What a node has left.</summary>
/// <param name="FreeCpus">CPUs that the CPU manager can still give out whole.</param>
/// <param name="FreeCores">Cores of which all CPUs are among them.</param>
/// <param name="FreeMilliCpus">What pods may still request of CPUs, whole or shared, in thousandths; below 0 if overcommitted.</param>
/// <param name="FreeMemory">What pods may still request of memory, in bytes; null if that isn't known.</param>
/// <param name="Notes">What limits it, and what was assumed where facts are missing.</param>
internal sealed record CapacityNode(
    int FreeCpus,
    int FreeCores,
    int ThreadsPerCore,
    BigInteger FreeMilliCpus,
    BigInteger? FreeMemory,
    ImmutableArray<string> Notes
);
