using System.Collections.Immutable;
using System.Text.Json.Serialization;

namespace PinAgent.Report.Proof;

/// <summary>What was measured of a VM's pinning, and the verdict.</summary>
/// <param name="Seconds">How long it was measured.</param>
/// <param name="Holds">Whether nothing spoils the pinning.</param>
/// <param name="Vcpus">The vCPUs by their number.</param>
/// <param name="ThrottledPeriods">In how many periods the container was held back (CPU limit); null if not counted.</param>
/// <param name="ThrottledSeconds">For how many seconds; null if not counted.</param>
/// <param name="Witness">What the kernel saw at each switch (eBPF); null where only its counters could be read.</param>
/// <param name="WithoutWitness">Then, why.</param>
internal sealed record ProofStatus(
    string Namespace,
    string Name,
    int Pid,
    double Seconds,
    bool Holds,
    string Verdict,
    ImmutableArray<VcpuProof> Vcpus,
    long? ThrottledPeriods,
    double? ThrottledSeconds,
    WitnessStatus? Witness = null,
    string? WithoutWitness = null
);

/// <summary>What was measured of a vCPU.</summary>
/// <param name="Cpus">The CPUs it may run on.</param>
/// <param name="RunSeconds">How long it ran.</param>
/// <param name="WaitSeconds">How long it was ready to run while something else ran on its CPU.</param>
/// <param name="Migrations">How often it changed its CPU; null if the kernel doesn't count that.</param>
/// <param name="InvoluntarySwitches">How often another thread took its CPU; null if not counted.</param>
/// <param name="Interrupts">How many interrupts its CPU served; null unless it has one CPU.</param>
/// <param name="ForeignSeconds">How long something else ran on its CPU; null unless it has one CPU.</param>
/// <param name="Worst">The thread that ran longest there beside it; null if none did.</param>
/// <param name="Problem">What spoils its pinning; null if nothing does.</param>
internal sealed record VcpuProof(
    int Index,
    int Tid,
    string? Cpus,
    double RunSeconds,
    double WaitSeconds,
    long? Migrations,
    long? InvoluntarySwitches,
    long? Interrupts,
    double? ForeignSeconds,
    ForeignThread? Worst,
    string? Problem
);

/// <summary>A thread that ran on a vCPU's CPU.</summary>
/// <param name="RunSeconds">How long it ran while it was measured, there or elsewhere.</param>
internal sealed record ForeignThread(int Tid, int Pid, string Comm, double RunSeconds);

/// <summary>The JSON of <c>prove</c>.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    WriteIndented = true
)]
[JsonSerializable(typeof(ProofStatus))]
internal sealed partial class ProofJson : JsonSerializerContext;
