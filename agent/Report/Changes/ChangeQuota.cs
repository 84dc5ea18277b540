using System.Collections.Immutable;
using PinAgent.Model.Changes;
using PinAgent.Model.Vm;

namespace PinAgent.Report.Changes;

/// <summary>
/// Keeps one VM from filling the log and the flight recorder: each has a share, what goes beyond it is counted and told once a
/// minute, and VMs that have only just come share one among them, so that whoever starts a thousand has no more than that.
/// No clock of its own.
/// </summary>
internal sealed class ChangeQuota
{
    /// <summary>How many changes of one VM are told one by one at once; as many again come back in a minute.</summary>
    public const int PerVm = 20;

    /// <summary>The same for all VMs together that have been there for less than <see cref="Period"/>.</summary>
    public const int OfNewVms = 60;

    /// <summary>How often is told what wasn't told one by one.</summary>
    public static readonly TimeSpan Period = TimeSpan.FromMinutes(1);

    // One that is forgotten counts as new again.
    private const int MostVms = 1024;

    private readonly Dictionary<VmKey, Share> _vms = [];
    private readonly Share _newVms = new(OfNewVms);

    /// <summary>What is to be told now.</summary>
    /// <param name="changes">What happened since it was last asked.</param>
    public ImmutableArray<VmChange> Take(ImmutableArray<VmChange> changes, DateTimeOffset now)
    {
        if (changes.IsEmpty && _vms.Count == 0 && _newVms.Withheld == 0)
        {
            return [];
        }

        var told = ImmutableArray.CreateBuilder<VmChange>();
        foreach (var change in changes)
        {
            if (change.Key is not { } key || Admit(key, change, now))
            {
                told.Add(change);
            }
        }

        foreach (var (key, share) in _vms)
        {
            if (share.TakeWithheld(now) is var (last, count))
            {
                told.Add(last with { At = now, Repeated = count });
            }
            else if (share.IsIdle(now))
            {
                _vms.Remove(key);
            }
        }

        if (_newVms.TakeWithheld(now) is var (_, many))
        {
            told.Add(
                new VmChange
                {
                    At = now,
                    Kind = VmChangeKind.Crowd,
                    Cause = ChangeCause.Met,
                    Repeated = many,
                }
            );
        }

        return told.ToImmutable();
    }

    private bool Admit(VmKey vm, VmChange change, DateTimeOffset now)
    {
        if (!_vms.TryGetValue(vm, out var share))
        {
            if (_vms.Count >= MostVms)
            {
                return _newVms.Admit(change, now);
            }

            _vms[vm] = share = new Share(PerVm) { Since = now };
        }

        return now - share.Since < Period ? _newVms.Admit(change, now) : share.Admit(change, now);
    }

    /// <summary>A bucket of tokens, and what it had none for.</summary>
    private sealed class Share(int size)
    {
        private double _tokens = size;
        private DateTimeOffset _filled;
        private VmChange? _last;

        public DateTimeOffset Since { get; init; }

        public int Withheld { get; private set; }

        public bool Admit(VmChange change, DateTimeOffset now)
        {
            var passed = now - _filled;
            _tokens =
                _filled == default || passed < TimeSpan.Zero
                    ? size
                    : Math.Min(size, _tokens + (passed / Period * size));
            _filled = now;
            if (_tokens >= 1)
            {
                _tokens--;
                return true;
            }

            if (Withheld++ == 0)
            {
                WithheldSince = now;
            }

            _last = change;
            return false;
        }

        private DateTimeOffset WithheldSince { get; set; }

        public (VmChange Last, int Count)? TakeWithheld(DateTimeOffset now)
        {
            if (Withheld == 0 || now - WithheldSince < Period)
            {
                return null;
            }

            var taken = (_last!, Withheld);
            Withheld = 0;
            return taken;
        }

        public bool IsIdle(DateTimeOffset now) =>
            Withheld == 0 && now - (_filled == default ? Since : _filled) >= 10 * Period;
    }
}
