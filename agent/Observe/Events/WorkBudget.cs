using PinAgent.Model;

namespace PinAgent.Observe.Events;

/// <summary>
/// How much of a CPU may be spent on what is asked for between two looks that are due anyway: 0.15 seconds of it in a burst, and
/// a thirtieth of the time. Pure.
/// </summary>
internal sealed class WorkBudget
{
    /// <summary>What a burst may take.</summary>
    public static readonly TimeSpan Burst = TimeSpan.FromSeconds(0.15);

    private static readonly Bucket Seconds = new(Burst.TotalSeconds, PerSecond: 1 / 30d);

    // When nothing is owed any more.
    private TimeSpan _evenAt;

    /// <summary>So much was spent.</summary>
    /// <param name="spent">The time on a CPU.</param>
    /// <param name="now">The time, by a clock that never jumps.</param>
    public void Charge(TimeSpan spent, TimeSpan now)
    {
        if (spent > TimeSpan.Zero)
        {
            _evenAt = Seconds.After(_evenAt, now, spent.TotalSeconds);
        }
    }

    /// <summary>How long until more may be spent; zero or less if it may be now.</summary>
    public TimeSpan Left(TimeSpan now) => Seconds.Left(_evenAt, now);
}
