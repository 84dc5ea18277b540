using System.Runtime.InteropServices;
using System.Text;
using Microsoft.Win32.SafeHandles;
using static Tmds.Linux.LibC;

namespace PinAgent.NativeInterop.Files;

/// <summary>
/// Opens files of the agent's own: its state, its settings, its certificates. Only regular ones, and only so much of them:
/// a FIFO never ends, nor does a device.
/// </summary>
public static partial class OwnFile
{
    // struct statx: u16 stx_mode at 28; of it the kind, and a regular file's.
    private const int ModeOffset = 28;
    private const int KindMask = 0xF000;
    private const int Regular = 0x8000;
    private const int Itself = 0x1000; // AT_EMPTY_PATH
    private const uint Kind = 1; // STATX_TYPE

    private const uint OwnerAndGroupsReading = 0x1A0; // 0640

    /// <summary>Reads a whole file.</summary>
    /// <param name="most">How many bytes it may have.</param>
    /// <param name="followsLinks">Whether it may be a link, as what Kubernetes mounts is.</param>
    /// <param name="content">The bytes; empty when the read failed.</param>
    /// <returns>
    /// The error of open(2) or read(2); <see cref="Errno.ELOOP"/> for a link, <see cref="Errno.EINVAL"/> for what is no
    /// regular file, <see cref="Errno.EFBIG"/> for a larger one.
    /// </returns>
    public static LinuxResult Read(string path, int most, bool followsLinks, out byte[] content)
    {
        byte[] buffer = [];
        var result = Read(
            Encoding.UTF8.GetBytes(path + '\0'),
            most,
            followsLinks,
            ref buffer,
            out var length
        );
        content = buffer[..length];
        return result;
    }

    /// <summary>The same into a buffer that is used again.</summary>
    /// <param name="path">The path, zero-terminated.</param>
    /// <param name="most">How many bytes it may have.</param>
    /// <param name="followsLinks">Whether it may be a link.</param>
    /// <param name="buffer">Receives the bytes; replaced by a longer array when they don't fit.</param>
    /// <param name="length">How many bytes the file had; 0 when the read failed.</param>
    public static LinuxResult Read(
        ReadOnlySpan<byte> path,
        int most,
        bool followsLinks,
        ref byte[] buffer,
        out int length
    )
    {
        length = 0;
        var result = Open(path, O_RDONLY | (followsLinks ? 0 : O_NOFOLLOW), out var fd);
        if (!result.IsSuccess)
        {
            return result;
        }

        try
        {
            return ReadToEnd(fd, most, ref buffer, out length);
        }
        finally
        {
            _ = close(fd);
        }
    }

    /// <summary>Reads a text that may be behind a link, in UTF-8 with or without a byte order mark.</summary>
    /// <param name="most">How many bytes it may have.</param>
    /// <exception cref="IOException">It can't be read, or won't do.</exception>
    /// <exception cref="UnauthorizedAccessException">It mustn't be read.</exception>
    public static string ReadText(string path, int most)
    {
        var result = Read(path, most, followsLinks: true, out var bytes);
        if (IsUnusable(result))
        {
            throw new IOException($"{path}: {Describe(result, most)}");
        }

        result.ThrowIfFailed(path);
        var text = Encoding.UTF8.GetString(bytes);
        return text.StartsWith('\uFEFF') ? text[1..] : text;
    }

    /// <summary>Opens a file to read and write it, and makes it if need be: for its owner, and its group to read.</summary>
    /// <param name="path">The file; a link isn't followed.</param>
    /// <param name="file">The file; null if there's none.</param>
    public static LinuxResult OpenToWrite(string path, out SafeFileHandle? file)
    {
        var result = Open(
            Encoding.UTF8.GetBytes(path + '\0'),
            O_RDWR | O_CREAT | O_NOFOLLOW,
            out var fd
        );
        file = result.IsSuccess ? new SafeFileHandle(fd, ownsHandle: true) : null;
        return result;
    }

    /// <summary>What is wrong with a file, in words.</summary>
    /// <param name="result">What reading or opening it said.</param>
    /// <param name="most">How many bytes it may have.</param>
    public static string Describe(LinuxResult result, int most) =>
        result.Errno switch
        {
            Errno.EINVAL or Errno.EISDIR => "expected a regular file, found something else",
            Errno.ELOOP => "expected a regular file, found a link",
            Errno.EFBIG => $"expected at most {most} bytes, found more",
            var errno => errno.Describe(),
        };

    /// <summary>Whether a file is there and will never do: it's no regular file, or too large.</summary>
    public static bool IsUnusable(LinuxResult result) =>
        result.Errno is Errno.EINVAL or Errno.EISDIR or Errno.ELOOP or Errno.EFBIG;

    private static unsafe LinuxResult Open(ReadOnlySpan<byte> path, int flags, out int fd)
    {
        fixed (byte* name = path)
        {
            // Without waiting: a FIFO would hold up who opens it until somebody writes.
            fd = openForMode(name, flags | O_NONBLOCK | O_CLOEXEC, OwnerAndGroupsReading);
        }

        var result = LinuxResult.FromReturnValue(fd);
        if (!result.IsSuccess)
        {
            // Of a FIFO or a socket without a reader.
            return (int)result.Errno == NoSuchDevice ? new LinuxResult(Errno.EINVAL) : result;
        }

        var status = stackalloc uint[Statx.Words];
        var nothing = stackalloc byte[1];
        nothing[0] = 0;
        result = Statx.Ask(fd, nothing, Itself, Kind, status);
        var mode = *(ushort*)((byte*)status + ModeOffset);
        if (result.IsSuccess && (mode & KindMask) != Regular)
        {
            result = new LinuxResult(Errno.EINVAL);
        }

        if (!result.IsSuccess)
        {
            _ = close(fd);
            fd = -1;
        }

        return result;
    }

    private static unsafe LinuxResult ReadToEnd(int fd, int most, ref byte[] buffer, out int length)
    {
        length = 0;
        while (true)
        {
            if (length == buffer.Length)
            {
                Array.Resize(ref buffer, Math.Min(most + 1, Math.Max(4096, 2 * length)));
            }

            long received;
            fixed (byte* start = buffer)
            {
                received = (long)read(fd, start + length, buffer.Length - length);
            }

            var result = LinuxResult.FromReturnValue(received);
            length += (int)Math.Max(received, 0);
            if (length > most)
            {
                result = new LinuxResult(Errno.EFBIG);
            }

            if (received == 0 || !result.IsSuccess && result.Errno != Errno.EINTR)
            {
                length = result.IsSuccess ? length : 0;
                return result;
            }
        }
    }

    private const int NoSuchDevice = 6; // ENXIO

    // Tmds.LibC's takes no mode.
    [LibraryImport("libc", EntryPoint = "open", SetLastError = true)]
    private static unsafe partial int openForMode(byte* path, int flags, uint mode);
}
