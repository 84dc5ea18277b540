using static Tmds.Linux.LibC;

namespace PinAgent.NativeInterop;

/// <summary>
/// Reads the small files of <c>/proc</c>, <c>/sys</c> and cgroups: whole, into a buffer that is used again,
/// so that a read allocates nothing. Such files live in memory, so there is nothing to wait for.
/// Paths are bytes that end with a zero, as the kernel takes them.
/// </summary>
public static class KernelFile
{
    /// <summary>The largest file read, in bytes. A command line can have two megabytes (execve(2)).</summary>
    public const int MaxLength = 16 * 1024 * 1024;

    /// <summary>Reads a whole file.</summary>
    /// <param name="path">The path, zero-terminated.</param>
    /// <param name="buffer">Receives the bytes; replaced by a longer array when they don't fit.</param>
    /// <param name="length">How many bytes the file had; 0 when the read failed.</param>
    /// <returns>
    /// The error of open(2) or read(2); <see cref="Errno.EFBIG"/> beyond <see cref="MaxLength"/>.
    /// </returns>
    public static unsafe LinuxResult Read(
        ReadOnlySpan<byte> path,
        ref byte[] buffer,
        out int length
    )
    {
        length = 0;
        RequireZeroTerminated(path);

        int fd;
        fixed (byte* name = path)
        {
            // A FIFO or a device someone put in a --host-root must not block the agent.
            fd = open(name, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
        }

        if (fd < 0)
        {
            return LinuxResult.FromReturnValue(fd);
        }

        try
        {
            return ReadToEnd(fd, ref buffer, out length);
        }
        finally
        {
            _ = close(fd);
        }
    }

    /// <summary>Reads where a symbolic link points to.</summary>
    /// <param name="path">The link's path, zero-terminated.</param>
    /// <param name="buffer">Receives the target; a longer target is cut off.</param>
    /// <param name="length">The bytes received; 0 when the read failed.</param>
    public static unsafe LinuxResult ReadLink(
        ReadOnlySpan<byte> path,
        Span<byte> buffer,
        out int length
    )
    {
        RequireZeroTerminated(path);
        long received;
        fixed (byte* name = path)
        fixed (byte* target = buffer)
        {
            received = (long)readlink(name, target, buffer.Length);
        }

        length = (int)Math.Max(received, 0);
        return LinuxResult.FromReturnValue(received);
    }

    private static unsafe LinuxResult ReadToEnd(int fd, ref byte[] buffer, out int length)
    {
        length = 0;
        if (buffer.Length == 0)
        {
            buffer = new byte[4096];
        }

        while (true)
        {
            if (length == buffer.Length)
            {
                if (buffer.Length >= MaxLength)
                {
                    length = 0;
                    return new LinuxResult(Errno.EFBIG);
                }

                Array.Resize(ref buffer, buffer.Length * 2);
            }

            long received;
            fixed (byte* start = buffer)
            {
                received = (long)read(fd, start + length, buffer.Length - length);
            }

            if (received == 0)
            {
                return LinuxResult.Success;
            }

            if (received > 0)
            {
                length += (int)received;
                continue;
            }

            var failure = LinuxResult.FromReturnValue(received);
            if (failure.Errno == Errno.EINTR)
            {
                continue;
            }

            length = 0;
            return failure;
        }
    }

    internal static void RequireZeroTerminated(ReadOnlySpan<byte> path)
    {
        if (path.IsEmpty || path[^1] != 0)
        {
            throw new ArgumentException("A path must end with a zero byte.", nameof(path));
        }
    }
}
