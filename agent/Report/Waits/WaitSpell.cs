using System.Collections.Immutable;
using System.Globalization;
using PinAgent.Model.Changes;
using PinAgent.Report.Status;

namespace PinAgent.Report.Waits;

/// <summary>A time in which a VM was slow: one of its vCPUs waited for its CPU.</summary>
/// <param name="vm">The VM as it was at the beginning.</param>
internal sealed class WaitSpell(VmStatus vm, DateTimeOffset from)
{
    private const int MostNamed = 3;

    // Who comes and goes without end is forgotten for the next.
    private const int MostKept = 16;

    private static readonly TimeSpan BetweenTold = TimeSpan.FromMinutes(2);

    private readonly Dictionary<(string Name, int Pid, int Cpu), double> _ran = [];
    private readonly HashSet<string> _toldOf = new(StringComparer.Ordinal);
    private ImmutableArray<RanStatus> _newest = [];
    private DateTimeOffset _toldAt;
    private double _waited;
    private double _peak;
    private (int Vcpu, int? Cpu) _worst;
    private string? _mayRun;

    /// <summary>When the vCPU last waited.</summary>
    public DateTimeOffset Until { get; private set; }

    /// <summary>Takes in five seconds.</summary>
    /// <param name="share">The share in which the worst vCPU waited.</param>
    /// <param name="isBusy">Whether that's so much that it goes on.</param>
    public void Take(double share, bool isBusy, DateTimeOffset until)
    {
        _waited += share * WaitHistory.Period.TotalSeconds;
        _peak = Math.Max(_peak, share);
        if (isBusy)
        {
            Until = until;
        }
    }

    /// <summary>Takes in who waits, and who is or may be in its way.</summary>
    public void Blame(Disturbance disturbance)
    {
        _worst = (disturbance.Worst.Index ?? 0, disturbance.Cpu);
        _mayRun = disturbance.MayRun ?? _mayRun;
        _newest = disturbance.Ran;
        foreach (var ran in disturbance.Ran)
        {
            var key = (ran.Name, ran.Pid, ran.Cpu);
            if (_ran.Count < MostKept || _ran.ContainsKey(key))
            {
                _ran[key] = Math.Max(_ran.GetValueOrDefault(key), ran.Share);
            }
        }
    }

    /// <summary>
    /// Tells that it goes on, where somebody else is most in its way than whom has been told of; seldom, and not without end.
    /// </summary>
    /// <returns>Null where there's nothing new to tell.</returns>
    public VmChange? GoOn(DateTimeOffset now)
    {
        if (
            _newest is not [var most, ..]
            || _toldOf.Contains(most.Name)
            || _toldOf.Count >= MostKept
            || now - _toldAt < BetweenTold
        )
        {
            return null;
        }

        var change = Record(
            VmChangeKind.WaitGoesOn,
            now,
            $"has waited {Seconds(_waited)} of {Seconds((now - from).TotalSeconds)}"
        );
        Tell(now);
        return change with { By = Names(_newest) };
    }

    /// <summary>Tells that it has begun.</summary>
    public VmChange Begin(DateTimeOffset now)
    {
        Tell(now);
        return Record(
            VmChangeKind.WaitBegun,
            from,
            $"has waited {Seconds(_waited)} of the last {Seconds((now - from).TotalSeconds)}"
        );
    }

    /// <summary>Tells that it's over.</summary>
    /// <param name="because">Why no more is known of it; null if the vCPU just doesn't wait any more.</param>
    public VmChange End(string? because = null) =>
        Record(
            VmChangeKind.WaitEnded,
            Until,
            $"had waited {Seconds(_waited)} of {Seconds((Until - from).TotalSeconds)}",
            $", up to {WaitWords.Percent(_peak)} of five seconds{(because is null ? "" : $"; {because}")}"
        );

    private void Tell(DateTimeOffset now)
    {
        _toldAt = now;
        _toldOf.UnionWith(_newest.Select(ran => ran.Name));
    }

    private static string? Names(IReadOnlyCollection<RanStatus> ran) =>
        ran.Count == 0
            ? null
            : string.Join(
                "; ",
                ran.Take(MostNamed)
                    .Select(one => Disturbance.Describe(one))
                    .Concat(ran.Count > MostNamed ? [$"{ran.Count - MostNamed} more"] : [])
            );

    private static string Seconds(double seconds) =>
        $"{seconds.ToString(seconds < 10 ? "0.0" : "0", CultureInfo.InvariantCulture)} s";

    private VmChange Record(VmChangeKind kind, DateTimeOffset at, string waited, string more = "")
    {
        var ran = _ran.OrderByDescending(one => one.Value)
            .Select(one => new RanStatus(one.Key.Cpu, one.Key.Pid, one.Key.Name, one.Value))
            .ToList();
        var where = _worst.Cpu is { } cpu ? $" for CPU {cpu}" : " for a CPU";
        return new VmChange
        {
            At = at,
            Kind = kind,
            Cause = ChangeCause.Neighbours,
            Namespace = vm.Namespace,
            Name = vm.Name,
            Pid = vm.Pid,
            State = vm.State,
            Cpuset = vm.Cpuset?.ToString(),
            Message =
                $"vCPU {_worst.Vcpu} {waited}{where}{more}"
                + (ran.Count == 0 && _mayRun is not null ? $"; {_mayRun}" : ""),
            By = Names(ran),
        };
    }
}
