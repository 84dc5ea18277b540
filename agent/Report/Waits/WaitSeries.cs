namespace PinAgent.Report.Waits;

/// <summary>
/// Ten minutes of one vCPU's waits: the share of each five seconds in ten-thousandths, in a ring of 240 bytes. A sample that
/// spans several turns fills them all.
/// </summary>
internal sealed class WaitSeries
{
    /// <summary>How many turns are kept.</summary>
    public const int Turns = 120;

    /// <summary>A turn of which nothing is known.</summary>
    public const ushort Unknown = ushort.MaxValue;

    private const double Whole = 10_000;

    private readonly ushort[] _ring = new ushort[Turns];
    private (TimeSpan At, ulong Delay)? _last;
    private ushort _newest = Unknown;

    /// <summary>Begins with nothing known.</summary>
    public WaitSeries() => Array.Fill(_ring, Unknown);

    /// <summary>The last sample's share, from 0 to 1; null without one.</summary>
    public double? Share => _newest == Unknown ? null : _newest / Whole;

    /// <summary>The turn of the last reading; before any without one.</summary>
    public long Sampled { get; private set; } = -1;

    /// <summary>Which share of the time between two readings a thread waited; null where the counter is another thread's.</summary>
    public static double? Between(
        (TimeSpan At, ulong Delay) before,
        (TimeSpan At, ulong Delay) now
    ) =>
        now.Delay >= before.Delay && now.At > before.At
            ? Math.Min(1, (now.Delay - before.Delay) / ((now.At - before.At).TotalSeconds * 1e9))
            : null;

    /// <summary>Takes a reading.</summary>
    /// <param name="turn">The number of the five seconds that have just ended.</param>
    /// <param name="delay">The nanoseconds that it has waited since its start; null if that can't be read.</param>
    public void Take(long turn, TimeSpan at, ulong? delay)
    {
        var share = _last is { } last && delay is { } now ? Between(last, (at, now)) : null;
        _newest = share is { } found ? (ushort)Math.Round(found * Whole) : Unknown;
        for (
            var slot = Sampled < 0 ? turn : Math.Max(Sampled + 1, turn - Turns + 1);
            slot <= turn;
            slot++
        )
        {
            _ring[slot % Turns] = _newest;
        }

        (Sampled, _last) = (turn, delay is { } read ? (at, read) : null);
    }

    /// <summary>The share of the last turns, as far as it's known; null if of none.</summary>
    /// <param name="turn">The newest of them.</param>
    public double? Mean(long turn, int turns)
    {
        var (sum, known) = (0.0, 0);
        foreach (var share in Last(turn, turns).Where(share => share != Unknown))
        {
            (sum, known) = (sum + share, known + 1);
        }

        return known == 0 ? null : sum / known / Whole;
    }

    /// <summary>The last turns, the oldest first, in ten-thousandths.</summary>
    public IEnumerable<ushort> Last(long turn, int turns)
    {
        // Those after the last sample are still to come: they are the same as it, until they are known.
        for (var slot = turn - turns + 1; slot <= turn; slot++)
        {
            yield return slot < 0 ? Unknown
            : slot > Sampled ? _newest
            : _ring[slot % Turns];
        }
    }
}
