using Tmds.Linux;
using static Tmds.Linux.LibC;

namespace PinAgent.NativeInterop;

/// <summary>
/// The CPU affinity of one thread. Masks are the kernel's own: bit <c>n</c> of word <c>n / 64</c> is
/// CPU <c>n</c>, in as many words as it takes. glibc's <c>cpu_set_t</c> ends at CPU 1023; these calls don't.
/// Source: sched_setaffinity(2).
/// </summary>
public static class SchedAffinity
{
    /// <summary>The CPUs in a word of a mask.</summary>
    public const int BitsPerWord = 64;

    /// <summary>The largest mask tried, in CPUs: what libvirt's virProcessGetAffinity goes up to.</summary>
    public const int MaxCpus = 262_144;

    // What glibc's cpu_set_t holds, and most kernels are content with.
    private const int UsualWords = 1_024 / BitsPerWord;

    /// <summary>Sets the CPUs that thread <paramref name="tid"/> may run on.</summary>
    /// <param name="tid">The thread's id in this process's PID namespace; 0 would mean the caller and is refused.</param>
    /// <param name="mask">The CPUs, of any length: the kernel fills up a short mask with zeroes.</param>
    /// <returns>
    /// Success even where the kernel dropped the CPUs outside the thread's cpuset: read the mask back.
    /// <see cref="Errno.EINVAL"/> when no CPU was left, <see cref="Errno.ESRCH"/> when the thread is gone,
    /// <see cref="Errno.EPERM"/> without CAP_SYS_NICE over it.
    /// </returns>
    public static unsafe LinuxResult Set(int tid, ReadOnlySpan<ulong> mask)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(tid);
        fixed (ulong* words = mask)
        {
            return LinuxResult.FromReturnValue(
                sched_setaffinity(tid, mask.Length * sizeof(ulong), (cpu_set_t*)words)
            );
        }
    }

    /// <summary>Reads the CPUs that thread <paramref name="tid"/> may run on.</summary>
    /// <param name="tid">The thread's id in this process's PID namespace; 0 would mean the caller and is refused.</param>
    /// <param name="buffer">
    /// Receives the mask. It's replaced by a longer array where the kernel's mask doesn't fit (the kernel says
    /// EINVAL until it does), so keep it for the next call; begin with an empty one.
    /// </param>
    /// <returns><see cref="Errno.ESRCH"/> when the thread is gone.</returns>
    public static unsafe LinuxResult Get(int tid, ref ulong[] buffer)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(tid);
        while (true)
        {
            LinuxResult result;
            fixed (ulong* words = buffer)
            {
                // glibc zeroes what the kernel didn't write.
                result = LinuxResult.FromReturnValue(
                    sched_getaffinity(tid, buffer.Length * sizeof(ulong), (cpu_set_t*)words)
                );
            }

            if (result.Errno != Errno.EINVAL || buffer.Length * BitsPerWord >= MaxCpus)
            {
                return result;
            }

            buffer = new ulong[Math.Max(buffer.Length * 4, UsualWords)];
        }
    }
}
