using System.Runtime.InteropServices;

namespace PinAgent.NativeInterop.Files;

/// <summary>statx(2), which Tmds.LibC hasn't. https://man7.org/linux/man-pages/man2/statx.2.html</summary>
internal static partial class Statx
{
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

    [LibraryImport("libc", SetLastError = true)]
    private static unsafe partial int statx(
        int folder,
        byte* path,
        int flags,
        uint mask,
        uint* status
    );
}
