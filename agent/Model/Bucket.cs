namespace PinAgent.Model;

/// <summary>
/// How much of something there may be: a burst at once, and so much a second in the long run. What was taken is a debt that time
/// pays off; the caller keeps when nothing will be owed any more, and brings the time. Pure.
/// </summary>
internal readonly record struct Bucket(double Burst, double PerSecond)
{
    private TimeSpan One => TimeSpan.FromSeconds(1 / PerSecond);

    /// <summary>How long until there's so much; zero or less if there is now.</summary>
    /// <param name="evenAt">When nothing is owed any more.</param>
    public TimeSpan Left(TimeSpan evenAt, TimeSpan now, double amount = 0) =>
        evenAt - now - (One * (Burst - amount));

    /// <summary>Whether there's one now.</summary>
    public bool HasOne(TimeSpan evenAt, TimeSpan now) =>
        Left(evenAt, now, amount: 1) <= TimeSpan.Zero;

    /// <summary>When nothing is owed any more after so much was taken.</summary>
    public TimeSpan After(TimeSpan evenAt, TimeSpan now, double amount = 1) =>
        (evenAt > now ? evenAt : now) + (One * amount);
}
