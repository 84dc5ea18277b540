using System.Globalization;
using System.Text;
using static Tmds.Linux.LibC;

namespace PinAgent.NativeInterop.Files;

/// <summary>
/// The root of another process, to read files that its command line names: as it would see them, and no link leads out of
/// it. Only regular files, and only so much of them.
/// </summary>
public sealed class ProcessRoot : IDisposable
{
    private int _fd;

    private ProcessRoot(int fd) => _fd = fd;

    /// <summary>Opens it.</summary>
    /// <param name="files">Where <c>/proc</c> is; null for the machine's own root.</param>
    /// <param name="isLive">Whether that is the kernel's, rather than a copy of one, whose root is a plain folder.</param>
    public static LinuxResult Open(
        RootFolder? files,
        int pid,
        bool isLive,
        out ProcessRoot? processRoot
    )
    {
        processRoot = null;
        var folder = Encoding.ASCII.GetBytes(
            string.Create(CultureInfo.InvariantCulture, $"/proc/{pid}\0")
        );
        var opened = RootFolder.Open(files, folder, RootFolder.PlaceOnly | O_DIRECTORY, out var fd);
        if (!opened.IsSuccess)
        {
            return opened;
        }

        try
        {
            // The kernel's link is no path: it leads to the root itself. No other link of that name is one.
            return isLive == FileSystemType.IsProcfs(fd)
                ? OpenIn(fd, "root\0"u8, isLive ? 0 : O_NOFOLLOW, out processRoot)
                : new LinuxResult(Errno.ENOENT);
        }
        finally
        {
            _ = close(fd);
        }
    }

    /// <summary>Opens the agent's own, which is that of processes that share it.</summary>
    public static LinuxResult OpenOwn(out ProcessRoot? root) =>
        OpenIn(WorkingFolder, "/\0"u8, 0, out root);

    /// <summary>What the root itself is.</summary>
    public LinuxResult Look(out PlaceStatus status) => PlaceStatus.Of(_fd, out status);

    /// <summary>Reads a file.</summary>
    /// <param name="path">From the root on, zero-terminated.</param>
    /// <param name="most">How many bytes it may have.</param>
    /// <param name="guard">Says how far the way to it is gone; null for every way.</param>
    /// <param name="content">The bytes; empty when the read failed.</param>
    /// <returns>
    /// The error of the way, of open(2) or of read(2); <see cref="Errno.EINVAL"/> for what is no regular file,
    /// <see cref="Errno.EFBIG"/> for a larger one, <see cref="Errno.EXDEV"/> where the guard lets nobody go.
    /// </returns>
    public LinuxResult Read(
        ReadOnlySpan<byte> path,
        int most,
        IWalkGuard? guard,
        out byte[] content
    )
    {
        KernelFile.RequireZeroTerminated(path);
        content = [];
        var result = RootWalk.Open(_fd, path, RootFolder.PlaceOnly, out var place, guard);
        if (!result.IsSuccess)
        {
            return result;
        }

        try
        {
            result = PlaceStatus.Of(place, out var status);
            if (!result.IsSuccess)
            {
                return result;
            }

            return !status.IsRegular ? new LinuxResult(Errno.EINVAL)
                : status.Size > (ulong)most ? new LinuxResult(Errno.EFBIG)
                : ReadPlace(place, most, out content);
        }
        finally
        {
            _ = close(place);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (_fd >= 0)
        {
            _ = close(_fd);
            _fd = -1;
        }
    }

    private const int WorkingFolder = -100; // AT_FDCWD

    // The place, and not what has come by its name since.
    private static LinuxResult ReadPlace(int place, int most, out byte[] content)
    {
        byte[] buffer = [];
        var name = string.Create(CultureInfo.InvariantCulture, $"/proc/self/fd/{place}\0");
        var result = KernelFile.ReadPrefix(
            Encoding.ASCII.GetBytes(name),
            ref buffer,
            most,
            out var length,
            out var isWhole
        );
        content = result.IsSuccess && isWhole ? buffer[..length] : [];
        return result.IsSuccess && !isWhole ? new LinuxResult(Errno.EFBIG) : result;
    }

    private static unsafe LinuxResult OpenIn(
        int folder,
        ReadOnlySpan<byte> name,
        int flags,
        out ProcessRoot? root
    )
    {
        int fd;
        fixed (byte* start = name)
        {
            fd = openat(folder, start, RootFolder.PlaceOnly | O_DIRECTORY | O_CLOEXEC | flags);
        }

        root = fd < 0 ? null : new ProcessRoot(fd);
        return LinuxResult.FromReturnValue(fd);
    }
}
