using System.Runtime.InteropServices;

namespace PinAgent.NativeInterop;

/// <summary>
/// By which rules one thread gets a CPU, and how urgently: the policy's number and the real-time priority. Sources: sched(7),
/// sched_setscheduler(2).
/// </summary>
public static partial class SchedPolicy
{
    // What sched_getscheduler adds for a thread whose children begin as usual ones.
    private const int ResetOnFork = 0x4000_0000;

    /// <summary>Sets the policy and the priority of thread <paramref name="tid"/>.</summary>
    /// <param name="tid">The thread's id in this process's PID namespace; 0 would mean the caller and is refused.</param>
    /// <param name="policy">SCHED_OTHER is 0, SCHED_FIFO 1, SCHED_RR 2.</param>
    /// <param name="priority">1 to 99 for SCHED_FIFO and SCHED_RR, otherwise 0.</param>
    /// <returns>
    /// <see cref="Errno.EPERM"/> without CAP_SYS_NICE over the thread, and for real time in a cgroup without a budget of it
    /// (kernels with CONFIG_RT_GROUP_SCHED); <see cref="Errno.ESRCH"/> when the thread is gone.
    /// </returns>
    public static unsafe LinuxResult Set(int tid, int policy, int priority)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(tid);
        return LinuxResult.FromReturnValue(SetScheduler(tid, policy, &priority));
    }

    /// <summary>Reads them.</summary>
    /// <param name="tid">The thread's id in this process's PID namespace; 0 would mean the caller and is refused.</param>
    /// <param name="policy">The policy, without its flag for children.</param>
    /// <param name="priority">The real-time priority; 0 for other policies.</param>
    /// <returns><see cref="Errno.ESRCH"/> when the thread is gone.</returns>
    public static unsafe LinuxResult Get(int tid, out int policy, out int priority)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(tid);
        var found = 0;
        policy = GetScheduler(tid);
        var result = LinuxResult.FromReturnValue(policy);
        if (result.IsSuccess)
        {
            policy &= ~ResetOnFork;
            result = LinuxResult.FromReturnValue(GetParameter(tid, &found));
        }

        priority = found;
        return result;
    }

    [LibraryImport("libc", EntryPoint = "sched_setscheduler", SetLastError = true)]
    private static unsafe partial int SetScheduler(int pid, int policy, int* param);

    [LibraryImport("libc", EntryPoint = "sched_getscheduler", SetLastError = true)]
    private static partial int GetScheduler(int pid);

    [LibraryImport("libc", EntryPoint = "sched_getparam", SetLastError = true)]
    private static unsafe partial int GetParameter(int pid, int* param);
}
