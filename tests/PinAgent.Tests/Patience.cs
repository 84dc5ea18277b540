namespace PinAgent.Tests;

/// <summary>When a test has hung. It says nothing of how long one may take: what is fast is a matter of benchmarks.</summary>
internal static class Patience
{
    /// <summary>In milliseconds, as attributes take it.</summary>
    public const int Hang = 600_000;

    /// <summary>When one wait of such a test has: before the test itself, so that it can say what it waited for.</summary>
    public static readonly TimeSpan HungWait = TimeSpan.FromMilliseconds(Hang * 0.9);
}
