using System.Collections.Immutable;
using PinAgent.Model.Cpu;
using PinAgent.Model.Vm;

namespace PinAgent.Plan.Placement;

/// <summary>
/// The placements that are held: once a VM has one, it's the reference until the VM's cpuset or shape changes, so
/// that any other mask is drift.
/// </summary>
internal sealed class HeldPlacements
{
    /// <summary>No VM has a placement yet.</summary>
    public static readonly HeldPlacements None = new(ImmutableDictionary<VmKey, Held>.Empty);

    private readonly ImmutableDictionary<VmKey, Held> _held;

    private HeldPlacements(ImmutableDictionary<VmKey, Held> held) => _held = held;

    /// <summary>Whether a VM's placement is held, and is this one.</summary>
    public bool Contains(VmKey vm, CpuPlacement placement) =>
        _held.TryGetValue(vm, out var held) && ReferenceEquals(held.Placement, placement);

    /// <summary>Whether a VM has a placement, and it's another one.</summary>
    internal bool HasOther(VmKey vm, CpuPlacement placement) =>
        Contains(vm) && !Contains(vm, placement);

    private bool Contains(VmKey vm) => _held.ContainsKey(vm);

    /// <summary>Chooses a VM's placement: the held one, one that moves as little as possible, or a new one.</summary>
    /// <param name="vm">The VM.</param>
    /// <param name="vcpus">The numbers of the vCPUs that exist, ascending.</param>
    /// <param name="request">The VM's request, without <see cref="PlacementRequest.Current"/>.</param>
    /// <param name="observed">Where the threads are, for a VM that has no placement yet.</param>
    /// <param name="policy">The policy.</param>
    internal PlacementResult Choose(
        VmKey vm,
        ImmutableArray<int> vcpus,
        PlacementRequest request,
        CurrentPlacement observed,
        IPlacementPolicy policy
    )
    {
        if (!_held.TryGetValue(vm, out var held))
        {
            return Adopt(request, observed, policy);
        }

        return held.Answers(request, vcpus)
            ? held.Placement
            : Placer.Place(request with { Current = held.AsCurrent(vcpus) }, policy);
    }

    /// <summary>
    /// The placements after a pass: the new ones, and those of VMs that had an obstacle in this pass. A VM that couldn't
    /// be read once isn't met for the first time in the next pass. The others are forgotten.
    /// </summary>
    /// <param name="placed">The VMs that have a placement.</param>
    /// <param name="hindered">The VMs that have an obstacle, and are dedicated or may be.</param>
    internal HeldPlacements After(
        IEnumerable<(
            VmKey Vm,
            PlacementRequest Request,
            ImmutableArray<int> Vcpus,
            CpuPlacement Placement
        )> placed,
        IEnumerable<VmKey> hindered
    )
    {
        var held = ImmutableDictionary.CreateBuilder<VmKey, Held>();
        foreach (var vm in hindered.Where(Contains))
        {
            held[vm] = _held[vm];
        }

        foreach (var (vm, request, vcpus, placement) in placed)
        {
            held[vm] = new Held(request, vcpus, placement);
        }

        return new HeldPlacements(held.ToImmutable());
    }

    /// <summary>
    /// The placement that a VM's threads have, if it's one: every vCPU alone on a CPU of its own, and every supplemental
    /// I/O thread. The emulator's and the other threads' CPUs follow from theirs.
    /// </summary>
    /// <returns>Null if it's none, or the request forbids it.</returns>
    internal static CpuPlacement? Found(
        PlacementRequest request,
        CurrentPlacement observed,
        IPlacementPolicy policy
    )
    {
        var (vcpus, supplemental, _) = MinimalMove.Kept(request, observed);
        return
            Placer.Place(request with { Current = observed }, policy) is CpuPlacement found
            && vcpus.SequenceEqual(found.Vcpus.Select(cpu => (int?)cpu))
            && supplemental.SequenceEqual(found.SupplementalIoThreads.Select(cpu => (int?)cpu))
            ? found
            : null;
    }

    // A VM met for the first time stays where it is, if that is a placement. Otherwise the policy decides: virt-launcher may
    // be half-way through pinning, and both must come to the same end.
    private static PlacementResult Adopt(
        PlacementRequest request,
        CurrentPlacement observed,
        IPlacementPolicy policy
    ) => Found(request, observed, policy) ?? Placer.Place(request, policy);

    private sealed record Held(
        PlacementRequest Request,
        ImmutableArray<int> Vcpus,
        CpuPlacement Placement
    )
    {
        public bool Answers(PlacementRequest request, ImmutableArray<int> vcpus) =>
            vcpus.SequenceEqual(Vcpus)
            && request.Cpuset.Equals(Request.Cpuset)
            && request.EmulatorCpuset.Equals(Request.EmulatorCpuset)
            && request.ThreadsPerCore == Request.ThreadsPerCore
            && request.EmulatorCpus == Request.EmulatorCpus
            && request.NumaPassthrough == Request.NumaPassthrough
            && request.IoThreads == Request.IoThreads
            && request.SupplementalIoThreads == Request.SupplementalIoThreads;

        // By the vCPUs' numbers: after an unplug, vCPU 3 may be the third that exists.
        public CurrentPlacement AsCurrent(ImmutableArray<int> vcpus) =>
            new(
                [
                    .. vcpus.Select(vcpu =>
                        Vcpus.IndexOf(vcpu) is >= 0 and var i ? CpuSet.Of(Placement.Vcpus[i]) : null
                    ),
                ],
                [.. Placement.SupplementalIoThreads.Select(cpu => CpuSet.Of(cpu))],
                Placement.EmulatorIsolated ? Placement.Emulator : null
            );
    }
}
