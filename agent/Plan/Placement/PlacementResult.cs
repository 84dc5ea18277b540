using System.Collections.Immutable;
using PinAgent.Model.Cpu;
using PinAgent.Model.Vm;

namespace PinAgent.Plan.Placement;

/// <summary>The answer to a <see cref="PlacementRequest"/>: a <see cref="CpuPlacement"/> or a <see cref="Refusal"/>.</summary>
internal abstract record PlacementResult
{
    private protected PlacementResult() { }
}

/// <summary>Where each thread of a VM goes.</summary>
internal sealed record CpuPlacement : PlacementResult
{
    /// <summary>One CPU per vCPU, in order.</summary>
    public required ImmutableArray<int> Vcpus { get; init; }

    /// <summary>One CPU per supplemental I/O thread, in order.</summary>
    public required ImmutableArray<int> SupplementalIoThreads { get; init; }

    /// <summary>The emulator's CPUs: its own, or the whole cpuset when it isn't isolated.</summary>
    public required CpuSet Emulator { get; init; }

    /// <summary>Whether the emulator's CPUs are its alone.</summary>
    public required bool EmulatorIsolated { get; init; }

    /// <summary>The CPUs of each other I/O thread, in order.</summary>
    public required ImmutableArray<CpuSet> IoThreads { get; init; }

    /// <summary>The CPUs of the cpuset that no vCPU, supplemental I/O thread or isolated emulator has.</summary>
    public required CpuSet Unused { get; init; }

    /// <summary>Whether it puts every thread where the other does.</summary>
    internal bool IsSameAs(CpuPlacement other) =>
        Vcpus.SequenceEqual(other.Vcpus)
        && SupplementalIoThreads.SequenceEqual(other.SupplementalIoThreads)
        && Emulator.Equals(other.Emulator)
        && EmulatorIsolated == other.EmulatorIsolated
        && IoThreads.SequenceEqual(other.IoThreads)
        && Unused.Equals(other.Unused);

    /// <summary>Completes a placement by what follows from its CPUs: the shared I/O threads and the unused CPUs.</summary>
    /// <param name="supplemental">One CPU per supplemental I/O thread.</param>
    /// <param name="emulatorOwn">The emulator's own CPUs; empty when it isn't isolated.</param>
    internal static CpuPlacement Complete(
        PlacementRequest request,
        ImmutableArray<int> vcpus,
        ImmutableArray<int> supplemental,
        CpuSet emulatorOwn
    ) =>
        new()
        {
            Vcpus = vcpus,
            SupplementalIoThreads = supplemental,
            Emulator = emulatorOwn.IsEmpty ? request.Cpuset : emulatorOwn,
            EmulatorIsolated = !emulatorOwn.IsEmpty,
            IoThreads = SharedIoThreads.Place(request, emulatorOwn),
            Unused = request
                .Cpuset.Except(CpuSet.Of(vcpus))
                .Except(CpuSet.Of(supplemental))
                .Except(emulatorOwn),
        };
}

/// <summary>Why a VM can't be placed.</summary>
/// <param name="Message">The sentence for people: what was needed, what there is, what to do.</param>
/// <param name="Needed">How many CPUs the VM needs to itself.</param>
/// <param name="Available">How many CPUs its cpuset has.</param>
internal sealed record Refusal(Reason Reason, string Message, int Needed, int Available)
    : PlacementResult;
