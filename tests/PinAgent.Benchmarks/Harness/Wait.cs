using System.Diagnostics;

namespace PinAgent.Benchmarks.Harness;

/// <summary>Waits for something that nobody tells of.</summary>
internal static class Wait
{
    private static readonly TimeSpan Longest = TimeSpan.FromMinutes(1);

    /// <summary>Waits until a condition holds, by looking every millisecond.</summary>
    /// <returns>How long that was.</returns>
    /// <exception cref="TimeoutException">It doesn't hold after a minute.</exception>
    public static TimeSpan Until(Func<bool> holds)
    {
        var began = Stopwatch.GetTimestamp();
        while (!holds())
        {
            if (Stopwatch.GetElapsedTime(began) > Longest)
            {
                throw new TimeoutException($"what was waited for didn't come within {Longest}");
            }

            Thread.Sleep(1);
        }

        return Stopwatch.GetElapsedTime(began);
    }
}
