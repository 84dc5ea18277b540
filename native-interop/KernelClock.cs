using System.Runtime.InteropServices;

namespace PinAgent.NativeInterop;

/// <summary>Clocks of the kernel's that the runtime doesn't have. Source: clock_gettime(2).</summary>
public static partial class KernelClock
{
    private const int ThreadCpuTime = 3; // CLOCK_THREAD_CPUTIME_ID
    private const int BootTime = 7; // CLOCK_BOOTTIME

    /// <summary>How long the calling thread has run on a CPU.</summary>
    public static TimeSpan OfThread() => Read(ThreadCpuTime);

    /// <summary>
    /// How long ago the machine was booted, the time in which it slept included: by this clock <c>/proc</c> tells when
    /// processes started, and not by the monotonic one, which stands still meanwhile.
    /// </summary>
    public static TimeSpan SinceBoot() => Read(BootTime);

    private static unsafe TimeSpan Read(int clock)
    {
        Time time = default;
        return ClockGetTime(clock, &time) == 0
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
