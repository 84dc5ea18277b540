using System.Collections.Immutable;
using PinAgent.Model;
using PinAgent.Model.Changes;
using PinAgent.Model.Cpu;
using PinAgent.Model.Vm;
using PinAgent.Report.Status;

namespace PinAgent.Report.Waits;

/// <summary>
/// Judges when a dedicated VM became slow, and when it wasn't any more. It's slow once its worst vCPU has waited a twentieth of a
/// minute, and until it has waited next to nothing for a minute; for one that is slow again and again, for as many minutes as it was
/// slow times in the last hour, up to ten: it fills no history. Of VMs that come and go, one a second is slow at most. Pure; no clock of its own, and memory for the VMs that are there.
/// </summary>
internal sealed class WaitSpells
{
    /// <summary>The turns that are judged: a minute.</summary>
    public const int Turns = 12;

    private const double Whole = 10_000;
    private const int MostVms = 512;
    private const int MostMinutes = 10;

    // All at once may become slow; VMs that come and go must not fill the history.
    private static readonly Bucket Beginnings = new(Burst: MostVms, PerSecond: 1);

    // Half of what makes a VM slow: what swings about one figure would begin and end all the time.
    private const double Busy = WaitWords.Starved / 2;

    private static readonly TimeSpan Calm = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan Memory = TimeSpan.FromHours(1);

    private readonly Dictionary<(int Pid, string Namespace, string Name), Followed> _vms = [];
    private TimeSpan _evenAt;

    /// <summary>Whether a VM is slow.</summary>
    public bool HasSlow => _vms.Values.Any(vm => vm.Spell is not null);

    /// <summary>The CPUs for which vCPUs of dedicated VMs have just waited for so long that it's worth to see who is there.</summary>
    public static CpuSet Contested(NodeStatus status) =>
        CpuSet.Of(
            status
                .Vms.Where(vm => vm.Dedicated)
                .SelectMany(vm => vm.Threads)
                .Where(thread =>
                    thread is { Role: ThreadRole.Vcpu, Wait.Share: >= WaitWords.Starved }
                )
                .Select(Disturbance.CpuOf)
                .OfType<int>()
        );

    /// <summary>What began and ended with the last sample.</summary>
    /// <param name="status">With the waits, and with who ran on those CPUs meanwhile.</param>
    /// <param name="now">When the sample was taken.</param>
    public ImmutableArray<VmChange> After(NodeStatus status, WaitPicture waits, DateTimeOffset now)
    {
        var changes = ImmutableArray.CreateBuilder<VmChange>();
        foreach (var vm in status.Vms.Where(vm => vm.Dedicated))
        {
            var turns = waits.Worst(vm);
            if (turns.Length == 0 || !TryFollow(vm, out var followed))
            {
                continue;
            }

            var share = Share(turns[^1]);
            if (followed.Spell is { } going)
            {
                going.Take(share, share >= Busy, now);
                if (share >= Busy)
                {
                    Blame(going, vm);
                    if (going.GoOn(now) is { } more)
                    {
                        changes.Add(more);
                    }
                }

                if (now - going.Until >= Calm * Math.Min(followed.Began.Count, MostMinutes))
                {
                    changes.Add(going.End());
                    followed.Spell = null;
                }
            }
            else if (share >= Busy && Begin(vm, turns, followed, now) is { } spell)
            {
                Blame(spell, vm);
                changes.Add(spell.Begin(now));
            }
        }

        var there = status
            .Vms.Where(vm => vm.Dedicated)
            .Select(vm => (vm.Pid, vm.Namespace, vm.Name))
            .ToHashSet();
        foreach (var (key, vm) in _vms.Where(vm => !there.Contains(vm.Key)).ToList())
        {
            _vms.Remove(key);
            if (vm.Spell is { } spell)
            {
                changes.Add(spell.End("then the VM ended"));
            }
        }

        return changes.DrainToImmutable();

        void Blame(WaitSpell spell, VmStatus vm)
        {
            if (WaitWords.Worst(vm) is { } worst)
            {
                spell.Blame(Disturbance.Of(status, vm, worst));
            }
        }
    }

    /// <summary>Tells what is known of VMs that are slow when the agent stops.</summary>
    public ImmutableArray<VmChange> Stop()
    {
        ImmutableArray<VmChange> changes =
        [
            .. _vms.Values.Select(vm => vm.Spell?.End("then the agent stopped")).OfType<VmChange>(),
        ];
        _vms.Clear();
        return changes;
    }

    // A VM of which no more is known than the last five seconds hasn't waited a twentieth of a minute by that.
    private WaitSpell? Begin(VmStatus vm, ushort[] turns, Followed followed, DateTimeOffset now)
    {
        var since = followed.Ended is { } ended
            ? (int)Math.Ceiling((now - ended) / WaitHistory.Period)
            : turns.Length;
        var first = Array.FindIndex(
            turns,
            Math.Max(0, turns.Length - since),
            turn => Share(turn) >= Busy
        );
        // More can't be owed: the clock was set back.
        var passed = now - DateTimeOffset.UnixEpoch;
        _evenAt = Beginnings.Left(_evenAt, passed) > TimeSpan.Zero ? passed : _evenAt;
        if (
            first < 0
            || turns[first..].Sum(Share) < WaitWords.Starved * Turns
            || !Beginnings.HasOne(_evenAt, passed)
        )
        {
            return null;
        }

        _evenAt = Beginnings.After(_evenAt, passed);

        var begun = new WaitSpell(vm, now - ((turns.Length - first) * WaitHistory.Period));
        for (var turn = first; turn < turns.Length; turn++)
        {
            begun.Take(
                Share(turns[turn]),
                Share(turns[turn]) >= Busy,
                now - ((turns.Length - 1 - turn) * WaitHistory.Period)
            );
        }

        followed.Spell = begun;
        followed.Began.RemoveAll(at => now - at >= Memory);
        followed.Began.Add(now);
        return begun;
    }

    private static double Share(ushort turn) => turn == WaitSeries.Unknown ? 0 : turn / Whole;

    private bool TryFollow(VmStatus vm, out Followed followed)
    {
        var key = (vm.Pid, vm.Namespace, vm.Name);
        if (_vms.TryGetValue(key, out followed!))
        {
            return true;
        }

        if (_vms.Count >= MostVms)
        {
            return false;
        }

        _vms[key] = followed = new Followed();
        return true;
    }

    /// <summary>A VM, and when it became slow in the last hour.</summary>
    private sealed class Followed
    {
        public WaitSpell? Spell
        {
            get;
            set
            {
                Ended = value is null ? field?.Until : Ended;
                field = value;
            }
        }

        public DateTimeOffset? Ended { get; private set; }

        public List<DateTimeOffset> Began { get; } = [];
    }
}
