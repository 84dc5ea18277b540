namespace PinAgent.Kubernetes.Watch;

/// <summary>How long to wait before the next attempt. Pure.</summary>
/// <param name="First">The middle of the first wait.</param>
/// <param name="Longest">The middle of the longest.</param>
internal readonly record struct Backoff(TimeSpan First, TimeSpan Longest)
{
    /// <summary>For a server that is away or in trouble.</summary>
    public static Backoff Usual { get; } = new(TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(32));

    /// <summary>
    /// For what was granted before, or may be in a moment: a server that starts refuses what it hasn't read the rights
    /// for. Never more than 30 s.
    /// </summary>
    public static Backoff Refused { get; } = new(TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(20));

    /// <summary>For what may never come: a kind that isn't installed, a right that isn't granted.</summary>
    public static Backoff Slow { get; } = new(TimeSpan.FromSeconds(20), TimeSpan.FromMinutes(10));

    /// <summary>The longest wait that a server may ask for.</summary>
    public static TimeSpan LongestAskedFor { get; } = TimeSpan.FromMinutes(5);

    /// <summary>
    /// The wait after so many failures in a row: it doubles with each, and lies between a half and one and a half of
    /// that, so that a thousand agents don't come back in the same moment.
    /// </summary>
    /// <param name="random">From 0 to below 1.</param>
    public TimeSpan Delay(int failures, double random)
    {
        const int MostDoublings = 30;
        var doubled = First * Math.Pow(2, Math.Clamp(failures, 1, MostDoublings) - 1);
        return (doubled < Longest ? doubled : Longest) * (0.5 + random);
    }

    /// <summary>The wait that a server asked for with <c>Retry-After</c>; never less, and up to a half more.</summary>
    public static TimeSpan AskedFor(TimeSpan wait, double random)
    {
        var bounded = wait < TimeSpan.Zero ? TimeSpan.Zero : wait;
        return (bounded < LongestAskedFor ? bounded : LongestAskedFor) * (1 + (random / 2));
    }
}
