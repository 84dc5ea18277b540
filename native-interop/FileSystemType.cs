using System.Runtime.InteropServices;

namespace PinAgent.NativeInterop;

/// <summary>Which kind of file system a path is on, from statfs(2).</summary>
public static partial class FileSystemType
{
    /// <summary>PROC_SUPER_MAGIC of linux/magic.h.</summary>
    private const long ProcSuperMagic = 0x9fa0;

    /// <summary>Whether <paramref name="path"/> is on a procfs, rather than a copy of one.</summary>
    /// <param name="path">The path, zero-terminated.</param>
    public static unsafe bool IsProcfs(ReadOnlySpan<byte> path)
    {
        KernelFile.RequireZeroTerminated(path);

        // struct statfs has 120 bytes on 64-bit Linux and begins with f_type.
        var info = stackalloc long[64];
        fixed (byte* name = path)
        {
            return statfs(name, info) == 0 && info[0] == ProcSuperMagic;
        }
    }

    // Not in Tmds.LibC. https://man7.org/linux/man-pages/man2/statfs.2.html
    [LibraryImport("libc", SetLastError = true)]
    private static unsafe partial int statfs(byte* path, long* info);
}
