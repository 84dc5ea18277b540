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
    public static readonly HeldPlacements None = new(ImmutableDictionary<VmKey, Held>.Empty, 0);

    private readonly ImmutableDictionary<VmKey, Held> _held;

    private readonly long _passes;

    private HeldPlacements(ImmutableDictionary<VmKey, Held> held, long passes) =>
        (_held, _passes) = (held, passes);

    /// <summary>Since which pass a VM has had a placement; null if it has none.</summary>
    public long? Since(VmKey vm) => _held.GetValueOrDefault(vm)?.Since;

    /// <summary>The placement that is held, if it's one for this request; null otherwise.</summary>
    internal CpuPlacement? Find(VmShape shape, PlacementRequest request) =>
        _held.TryGetValue(shape.Vm.Key, out var held) && held.Answers(request, shape.VcpuNumbers)
            ? held.Placement
            : null;

    /// <summary>The placement that is held, by the vCPUs that exist now; null if none is.</summary>
    internal CurrentPlacement? CurrentOf(VmShape shape) =>
        _held.GetValueOrDefault(shape.Vm.Key)?.AsCurrent(shape.VcpuNumbers);

    /// <summary>Whether a VM's placement is held, and is this one.</summary>
    public bool Contains(VmKey vm, CpuPlacement placement) =>
        _held.TryGetValue(vm, out var held) && ReferenceEquals(held.Placement, placement);

    /// <summary>Whether a VM has a placement, and it's another one.</summary>
    internal bool HasOther(VmKey vm, CpuPlacement placement) =>
        Contains(vm) && !Contains(vm, placement);

    private bool Contains(VmKey vm) => _held.ContainsKey(vm);

    /// <summary>
    /// Whether a VM's emulator had CPUs of its own and has none any more. Where a VMI tells, it's no loss but its wish.
    /// </summary>
    internal bool HasLostIsolation(VmShape shape) =>
        shape is { IsolationIsInferred: true, IsolateEmulatorThread: false }
        && _held.TryGetValue(shape.Vm.Key, out var held)
        && held.WasIsolated;

    /// <summary>
    /// The plan with the threads marked that have come since the VM was last planned: they have the mask of the thread that
    /// made them, and haven't strayed.
    /// </summary>
    internal VmPlan MarkNew(VmPlan plan)
    {
        if (!_held.TryGetValue(plan.Vm.Key, out var held))
        {
            return plan;
        }

        // Nearly always they're the same as before.
        var known = held.Threads;
        var i = 0;
        while (
            i < plan.Threads.Length && i < known.Length && IsSame(plan.Threads[i].Thread, known[i])
        )
        {
            i++;
        }

        if (i == plan.Threads.Length)
        {
            return plan;
        }

        var keys = known.Select(ThreadKey.Of).ToHashSet();
        return plan with
        {
            Threads =
            [
                .. plan.Threads.Select(thread =>
                    keys.Contains(ThreadKey.Of(thread.Thread))
                        ? thread
                        : thread with
                        {
                            IsNew = true,
                        }
                ),
            ],
        };
    }

    /// <summary>
    /// Chooses a VM's placement: the held one; for one that is new, or in another cpuset, the one that its threads have; else one
    /// that moves as little as possible, or a new one.
    /// </summary>
    /// <param name="request">Its request, without <see cref="PlacementRequest.Current"/>.</param>
    internal PlacementResult Choose(
        VmShape shape,
        PlacementRequest request,
        IPlacementPolicy policy
    )
    {
        var vcpus = shape.VcpuNumbers;
        var held = _held.GetValueOrDefault(shape.Vm.Key);
        if (held is not null && held.Answers(request, vcpus))
        {
            return held.Placement;
        }

        // After its cpuset changed, too: from Linux 6.2 on the kernel remembers masks, and gives them back where it can. Where
        // nothing is held, virt-launcher may be half-way through pinning: by the policy both come to the same end.
        var mayBePlaced = held is null || !request.Cpuset.Equals(held.Request.Cpuset);
        PlacementResult chosen =
            mayBePlaced && FoundWhole(shape, request, policy) is { } found ? found
            : held is null ? Placer.Place(request, policy)
            : Placer.Place(request with { Current = held.AsCurrent(vcpus) }, policy);
        return held is not null && chosen is CpuPlacement same && same.IsSameAs(held.Placement)
            ? held.Placement
            : chosen;
    }

    /// <summary>
    /// The placements after a pass: the new ones, and those of VMs that had an obstacle in this pass. A VM that couldn't
    /// be read once isn't met for the first time in the next pass. The others are forgotten.
    /// </summary>
    /// <param name="placed">The VMs that have a placement.</param>
    /// <param name="hindered">The VMs that have an obstacle, and are dedicated or may be.</param>
    internal HeldPlacements After(
        IEnumerable<(VmShape Shape, PlacementRequest Request, CpuPlacement Placement)> placed,
        IEnumerable<VmKey> hindered
    )
    {
        var held = ImmutableDictionary.CreateBuilder<VmKey, Held>();
        foreach (var vm in hindered.Where(Contains))
        {
            held[vm] = _held[vm];
        }

        foreach (var (shape, request, placement) in placed)
        {
            held[shape.Vm.Key] = new Held(request, shape.VcpuNumbers, placement, shape.Vm.Threads)
            {
                WasIsolated = placement.EmulatorIsolated || HasLostIsolation(shape),
                Since = Since(shape.Vm.Key) ?? _passes,
            };
        }

        return new HeldPlacements(held.ToImmutable(), _passes + 1);
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

    /// <summary>The placement that a VM's threads have, if it's one as a whole and they haven't just inherited it.</summary>
    internal static CpuPlacement? FoundWhole(
        VmShape shape,
        PlacementRequest request,
        IPlacementPolicy policy
    ) =>
        shape.Observed is { Emulator: { } emulator } observed
        && Found(request, observed, policy) is { } found
        && IsApart(emulator, shape, found)
            ? found
            : null;

    // QEMU's threads are born with the mask of the thread that makes them, and libvirt starts the first one on the emulator's
    // CPU: a vCPU that has the emulator's mask has inherited it, and nobody has placed it yet.
    private static bool IsApart(CpuSet emulator, VmShape shape, CpuPlacement found) =>
        shape is { IsolateEmulatorThread: true, IsolationIsInferred: false }
            ? !found.Vcpus.Concat(found.SupplementalIoThreads).Any(emulator.Contains)
            : shape.Cpuset is { Count: 1 }
                || emulator.Count > 1
                || !found.Vcpus.Contains(emulator.First);

    private static bool IsSame(VmThread one, VmThread other) =>
        one.Tid == other.Tid && one.StartTime == other.StartTime;

    private sealed record Held(
        PlacementRequest Request,
        ImmutableArray<int> Vcpus,
        CpuPlacement Placement,
        ImmutableArray<VmThread> Threads
    )
    {
        public bool WasIsolated { get; init; }

        public long Since { get; init; }

        public bool Answers(PlacementRequest request, ImmutableArray<int> vcpus) =>
            vcpus.SequenceEqual(Vcpus)
            && request.Cpuset.Equals(Request.Cpuset)
            && request.EmulatorCpuset.Equals(Request.EmulatorCpuset)
            && request.VcpuCpusets.AsSpan().SequenceEqual(Request.VcpuCpusets.AsSpan())
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
