using System.Collections.Immutable;
using PinAgent.Apply;
using PinAgent.Apply.AtOnce;
using PinAgent.NativeInterop;
using PinAgent.Plan;
using PinAgent.Plan.Contests;

namespace PinAgent.Loop;

/// <summary>What is pinned between the passes, on the word of the pass before; none of it where nobody tells of names or masks.</summary>
/// <param name="names">Pins threads of VMs that are starting as they get their names.</param>
/// <param name="masks">Puts threads back that others have moved.</param>
internal sealed class MeanwhilePins(PinsAtOnce? names, PutBackAtOnce? masks)
{
    private readonly DoneAtOnce _done = new();

    /// <summary>Whether something was put back that no pass has told of.</summary>
    public bool HasNews => masks is { HasDone: true };

    /// <summary>When threads were pinned, by thread.</summary>
    public IReadOnlyDictionary<int, TimeSpan> Times => _done.Times;

    /// <summary>Pins threads that have just got their names, where their VM was planned since.</summary>
    public void TryPin(IEnumerable<NamedThread> threads)
    {
        foreach (var thread in threads)
        {
            _ = names?.TryPin(thread);
        }
    }

    /// <summary>Nothing is put back from here on: a pass sets masks.</summary>
    public void Rest() => masks?.Rest();

    /// <summary>Tells what is to be pinned from here on, and adds to a pass's outcomes what was.</summary>
    /// <param name="enforced">The VMs whose masks may be written.</param>
    public ImmutableArray<VmOutcome> AddTo(
        ImmutableArray<VmOutcome> vms,
        IEnumerable<VmPlan> enforced
    )
    {
        if (names is null && masks is null)
        {
            return vms;
        }

        names?.Follow(enforced);
        return _done.AddTo(vms, [.. names?.Take() ?? [], .. masks?.Take() ?? []]);
    }

    /// <summary>Tells what may be put back from here on.</summary>
    /// <param name="vms">The VMs whose masks may be written.</param>
    public void Hold(IEnumerable<VmOutcome> vms, NodeContests contests) =>
        masks?.Hold(HeldMasks.Of(vms, contests));
}
