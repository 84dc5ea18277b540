using System.Runtime.InteropServices;
using PinAgent.NativeInterop.Files;
using static Tmds.Linux.LibC;

namespace PinAgent.NativeInterop;

/// <summary>Which kind of file system a path is on, from statfs(2).</summary>
public static partial class FileSystemType
{
    /// <summary>PROC_SUPER_MAGIC of linux/magic.h.</summary>
    private const long ProcSuperMagic = 0x9fa0;

    /// <summary>CGROUP_SUPER_MAGIC and CGROUP2_SUPER_MAGIC of linux/magic.h.</summary>
    private const long CgroupSuperMagic = 0x27e0eb;
    private const long Cgroup2SuperMagic = 0x63677270;

    /// <summary>Whether <paramref name="path"/> is on a procfs, rather than a copy of one.</summary>
    /// <param name="path">The path, zero-terminated.</param>
    /// <param name="root">Where the path begins; null for the machine's own root.</param>
    public static bool IsProcfs(ReadOnlySpan<byte> path, RootFolder? root = null)
    {
        KernelFile.RequireZeroTerminated(path);
        if (!RootFolder.Open(root, path, RootFolder.PlaceOnly, out var fd).IsSuccess)
        {
            return false;
        }

        try
        {
            return IsProcfs(fd);
        }
        finally
        {
            _ = close(fd);
        }
    }

    /// <summary>Whether a descriptor is on a procfs.</summary>
    internal static bool IsProcfs(int fd) => Of(fd) == ProcSuperMagic;

    /// <summary>Whether a descriptor is in a hierarchy of cgroups.</summary>
    internal static bool IsCgroup(int fd) => Of(fd) is CgroupSuperMagic or Cgroup2SuperMagic;

    private static unsafe long Of(int fd)
    {
        // struct statfs has 120 bytes on 64-bit Linux and begins with f_type.
        var info = stackalloc long[64];
        return fstatfs(fd, info) == 0 ? info[0] : 0;
    }

    // Not in Tmds.LibC. https://man7.org/linux/man-pages/man2/fstatfs.2.html
    [LibraryImport("libc", SetLastError = true)]
    private static unsafe partial int fstatfs(int fd, long* info);
}
