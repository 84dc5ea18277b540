using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace PinAgent.NativeInterop.Files;

/// <summary>
/// A lock of the kernel's on an open file, for one process at a time. It goes with the file's last descriptor, so that a
/// process that is killed leaves none behind. Source: flock(2).
/// </summary>
public static partial class FileLock
{
    private const int Exclusive = 2; // LOCK_EX
    private const int WithoutWaiting = 4; // LOCK_NB
    private const int Unlock = 8; // LOCK_UN

    /// <summary>Takes it, without waiting for who has it.</summary>
    /// <returns><see cref="Errno.EAGAIN"/> if another has it.</returns>
    public static LinuxResult TryTake(SafeFileHandle file)
    {
        while (true)
        {
            var result = LinuxResult.FromReturnValue(flock(file, Exclusive | WithoutWaiting));
            if (result.Errno != Errno.EINTR)
            {
                return result;
            }
        }
    }

    /// <summary>Gives it back, whoever else has the descriptor: a process that is just being started has all of its parent's.</summary>
    public static void Release(SafeFileHandle file) => _ = flock(file, Unlock);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int flock(SafeFileHandle file, int operation);
}
