using System.Runtime.InteropServices;
using static Tmds.Linux.LibC;

namespace PinAgent.NativeInterop.Files;

/// <summary>
/// A folder whose files are opened as if it were <c>/</c>: no link in it, absolute or with <c>..</c>, leads out of it.
/// It's opened once, so that its own path can't be made to mean another folder later.
/// </summary>
public sealed partial class RootFolder : IDisposable
{
    /// <summary>A descriptor that only stands for a place: nothing is read, and nothing happens to a device.</summary>
    internal const int PlaceOnly = 0x200000; // O_PATH

    private const nint OpenAt2 = 437;
    private const ulong NoMagicLinks = 0x02;
    private const ulong InRoot = 0x10;

    // Renames elsewhere make openat2 say so; they don't go on for ever, and then there is the way by hand.
    private const int MostTries = 32;

    private readonly LinuxResult _opened;
    private int _fd;
    private bool _isByHand;

    /// <summary>Opens a folder. If that fails, every file in it fails with the same error.</summary>
    /// <param name="isByHand">Follows links itself, as where the kernel has no openat2, or a sandbox forbids it.</param>
    public unsafe RootFolder(string path, bool isByHand = false)
    {
        _isByHand = isByHand;
        var name = System.Text.Encoding.UTF8.GetBytes(path + '\0');
        fixed (byte* start = name)
        {
            _fd = open(start, PlaceOnly | O_DIRECTORY | O_CLOEXEC);
        }

        _opened = LinuxResult.FromReturnValue(_fd);
    }

    /// <summary>Opens what a path in a folder means.</summary>
    /// <param name="root">The folder; null for the machine's own root.</param>
    /// <param name="path">The path, zero-terminated.</param>
    /// <param name="fd">The descriptor, which the caller closes; below zero if there's none.</param>
    /// <returns>The error of open(2); <see cref="Errno.ELOOP"/> for a link of <c>/proc</c> that is no path.</returns>
    internal static unsafe LinuxResult Open(
        RootFolder? root,
        ReadOnlySpan<byte> path,
        int flags,
        out int fd
    )
    {
        if (root is not null)
        {
            return root.Open(path, flags | O_CLOEXEC, out fd);
        }

        fixed (byte* name = path)
        {
            fd = open(name, flags | O_CLOEXEC);
        }

        return LinuxResult.FromReturnValue(fd);
    }

    /// <summary>Opens a place, to name it as <c>/proc/self/fd/N</c> where only a path will do.</summary>
    /// <param name="place">What to dispose of; null if it can't be had.</param>
    public LinuxResult TryOpenPlace(string path, out Place? place)
    {
        var result = Open(
            System.Text.Encoding.UTF8.GetBytes(path + '\0'),
            PlaceOnly | O_CLOEXEC,
            out var fd
        );
        place = result.IsSuccess ? new Place(fd) : null;
        return result;
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

    private unsafe LinuxResult Open(ReadOnlySpan<byte> path, int flags, out int fd)
    {
        fd = -1;
        if (!_opened.IsSuccess)
        {
            return _opened;
        }

        var how = stackalloc ulong[] { (uint)flags, 0, InRoot | NoMagicLinks };
        for (var tries = 0; !_isByHand && tries < MostTries; tries++)
        {
            fixed (byte* name = path)
            {
                fd = (int)syscall(OpenAt2, _fd, name, how, 3 * sizeof(ulong));
            }

            var result = LinuxResult.FromReturnValue(fd);
            switch ((int)result.Errno)
            {
                case (int)Errno.EPERM or NoSuchCall:
                    _isByHand = true;
                    break;
                case (int)Errno.EAGAIN or (int)Errno.EINTR:
                    break;
                default:
                    return result;
            }
        }

        return RootWalk.Open(_fd, path, flags, out fd);
    }

    // ENOSYS: before Linux 5.6.
    private const int NoSuchCall = 38;

    // Not in Tmds.LibC in this shape. struct open_how { u64 flags; u64 mode; u64 resolve; }
    // https://man7.org/linux/man-pages/man2/openat2.2.html
    [LibraryImport("libc", SetLastError = true)]
    private static unsafe partial nint syscall(
        nint number,
        nint folder,
        byte* path,
        ulong* how,
        nint size
    );
}

/// <summary>A place in the file system that is held by a descriptor.</summary>
public sealed class Place : IDisposable
{
    private int _fd;

    internal Place(int fd) => _fd = fd;

    /// <summary>A path that means this place, whatever has become of the one it was found by.</summary>
    public string Path => $"/proc/self/fd/{_fd}";

    /// <inheritdoc/>
    public void Dispose()
    {
        if (_fd >= 0)
        {
            _ = close(_fd);
            _fd = -1;
        }
    }
}
