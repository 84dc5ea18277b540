using System.Runtime.InteropServices;

namespace PinAgent.NativeInterop.Files;

/// <summary>statx(2), which Tmds.LibC hasn't. https://man7.org/linux/man-pages/man2/statx.2.html</summary>
internal static partial class Statx
{
    /// <summary>AT_FDCWD: paths begin at the working folder.</summary>
    public const int AtWorkingFolder = -100;

    /// <summary>How long <c>struct statx</c> of linux/stat.h is, in words of four bytes.</summary>
    public const int Words = 64;

    /// <summary>Asks.</summary>
    /// <param name="status">Receives the structure.</param>
    /// <returns>The error of statx(2).</returns>
    public static unsafe LinuxResult Ask(
        int folder,
        byte* path,
        int flags,
        uint mask,
        uint* status
    ) => LinuxResult.FromReturnValue(statx(folder, path, flags, mask, status));

    /// <summary>Asks how many subfolders a folder has, by its links.</summary>
    /// <param name="path">Zero-terminated; empty for the folder itself.</param>
    /// <param name="count">Below zero where the file system doesn't count.</param>
    /// <returns>The error of statx(2).</returns>
    public static unsafe LinuxResult CountFolders(
        int folder,
        ReadOnlySpan<byte> path,
        out long count
    )
    {
        // The folder's own entry, and the one in the folder above.
        const int OwnLinks = 2;
        const int ItselfIfUnnamed = 0x1000; // AT_EMPTY_PATH
        const uint Links = 4; // STATX_NLINK

        // struct statx { u32 mask; u32 blksize; u64 attributes; u32 nlink; … }
        const int LinksWord = 4;
        var status = stackalloc uint[Words];
        LinuxResult result;
        fixed (byte* name = path)
        {
            result = Ask(folder, name, ItselfIfUnnamed, Links, status);
        }

        count = result.IsSuccess ? (long)status[LinksWord] - OwnLinks : 0;
        return result;
    }

    [LibraryImport("libc", SetLastError = true)]
    private static unsafe partial int statx(
        int folder,
        byte* path,
        int flags,
        uint mask,
        uint* status
    );
}
