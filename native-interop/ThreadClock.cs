using System.Runtime.InteropServices;

namespace PinAgent.NativeInterop;

/// <summary>How long the calling thread has run on a CPU. Source: clock_gettime(2).</summary>
public static partial class ThreadClock
{
    private const int ThreadCpuTime = 3; // CLOCK_THREAD_CPUTIME_ID

    /// <summary>That time.</summary>
    public static unsafe TimeSpan Now()
    {
        Time time = default;
        return ClockGetTime(ThreadCpuTime, &time) == 0
            ? TimeSpan.FromSeconds(time.Seconds)
                + TimeSpan.FromTicks(time.Nanoseconds / TimeSpan.NanosecondsPerTick)
            : TimeSpan.Zero;
    }

    [LibraryImport("libc", EntryPoint = "clock_gettime")]
    private static unsafe partial int ClockGetTime(int clock, Time* time);

    // struct timespec
    private struct Time
    {
        public nint Seconds;
        public nint Nanoseconds;
    }
}
