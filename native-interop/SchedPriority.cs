using System.Runtime.InteropServices;

namespace PinAgent.NativeInterop;

/// <summary>
/// How soon the calling thread gets a CPU when others want it too. Sources: sched(7), sched_setscheduler(2),
/// setpriority(2), which acts on one thread on Linux.
/// </summary>
public static partial class SchedPriority
{
    private const int Other = 0;
    private const int Fifo = 1;
    private const int Process = 0;
    private const int Lowest = 1;
    private const int Favoured = -20;

    // Threads that this one makes, as .NET's pool may, are usual ones. linux/sched.h; sched(7).
    private const int ResetOnFork = 0x40000000;

    // A third of a usual thread's share. With the worst nice value it would get a thousandth on a busy node.
    private const int Yielding = 5;

    /// <summary>
    /// Puts the thread before all usual ones: SCHED_FIFO 1, or the best nice value where real-time scheduling isn't allowed
    /// (a cgroup v1 without a real-time budget). The threads that it makes don't inherit it.
    /// </summary>
    /// <returns>What it has become: a usual thread still, without CAP_SYS_NICE.</returns>
    public static Urgency Raise()
    {
        if (SetScheduler(Fifo | ResetOnFork, Lowest).IsSuccess)
        {
            return Urgency.RealTime;
        }

        _ = SetScheduler(Other | ResetOnFork, 0);
        return LinuxResult.FromReturnValue(SetPriority(Process, 0, Favoured)).IsSuccess
            ? Urgency.Favoured
            : Urgency.Usual;
    }

    /// <summary>Puts the thread behind the usual ones, by a nice value that takes no right.</summary>
    public static void Lower() => _ = SetPriority(Process, 0, Yielding);

    /// <summary>Makes it a usual thread again.</summary>
    public static void Reset()
    {
        _ = SetScheduler(Other, 0);
        _ = SetPriority(Process, 0, 0);
    }

    private static unsafe LinuxResult SetScheduler(int policy, int priority) =>
        LinuxResult.FromReturnValue(SchedSetScheduler(0, policy, &priority));

    [LibraryImport("libc", EntryPoint = "sched_setscheduler", SetLastError = true)]
    private static unsafe partial int SchedSetScheduler(int pid, int policy, int* param);

    [LibraryImport("libc", EntryPoint = "setpriority", SetLastError = true)]
    private static partial int SetPriority(int which, int who, int priority);
}

/// <summary>How soon a thread gets a CPU.</summary>
public enum Urgency
{
    /// <summary>As any other.</summary>
    Usual,

    /// <summary>Nice -20: soon, but never at once where others run that have waited as long.</summary>
    Favoured,

    /// <summary>SCHED_FIFO 1: before all that aren't real time.</summary>
    RealTime,
}
