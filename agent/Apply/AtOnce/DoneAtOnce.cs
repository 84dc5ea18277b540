using System.Collections.Immutable;

namespace PinAgent.Apply.AtOnce;

/// <summary>
/// What was done at once and isn't told yet: the pass finds such threads in their place, and has to say who has put them there.
/// A VM is told of when it's complete.
/// </summary>
internal sealed class DoneAtOnce
{
    private readonly Dictionary<(int Pid, int Tid), PinnedAtOnce> _done = [];

    /// <summary>When it was done, by thread.</summary>
    public IReadOnlyDictionary<int, TimeSpan> Times { get; private set; } =
        ImmutableDictionary<int, TimeSpan>.Empty;

    /// <summary>Adds it to what a pass has done.</summary>
    /// <param name="vms">All VMs, as the pass has left them; what is known of others is forgotten.</param>
    /// <param name="done">What was done since the pass before.</param>
    public ImmutableArray<VmOutcome> AddTo(
        ImmutableArray<VmOutcome> vms,
        IEnumerable<PinnedAtOnce> done
    )
    {
        foreach (var pin in done)
        {
            _ = _done.TryAdd((pin.Pid, pin.Tid), pin);
        }

        if (_done.Count == 0)
        {
            Times = ImmutableDictionary<int, TimeSpan>.Empty;
            return vms;
        }

        Times = _done.Values.DistinctBy(pin => pin.Tid).ToDictionary(pin => pin.Tid, pin => pin.At);
        ImmutableArray<VmOutcome> told = [.. vms.Select(AddTo)];
        var starting = vms.Where(vm => vm.Plan is { Starting: not null, Placement: null })
            .Select(vm => vm.Plan.Vm.Key.Pid)
            .ToHashSet();
        foreach (var pin in _done.Keys.Where(pin => !starting.Contains(pin.Pid)).ToList())
        {
            _done.Remove(pin);
        }

        return told;
    }

    private VmOutcome AddTo(VmOutcome vm)
    {
        var pid = vm.Plan.Vm.Key.Pid;
        return _done.Keys.Any(pin => pin.Pid == pid)
            ? vm with
            {
                Threads =
                [
                    .. vm.Threads.Select(thread =>
                        _done.TryGetValue((pid, thread.Planned.Thread.Tid), out var pin)
                            ? thread.AsDoneAtOnce(pin.From)
                            : thread
                    ),
                ],
            }
            : vm;
    }
}
