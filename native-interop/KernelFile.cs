using PinAgent.NativeInterop.Files;
using static Tmds.Linux.LibC;

namespace PinAgent.NativeInterop;

/// <summary>
/// Reads the small files of <c>/proc</c>, <c>/sys</c> and cgroups: whole, into a buffer that is used again,
/// so that a read allocates nothing. Such files live in memory, so there is nothing to wait for.
/// Paths are bytes that end with a zero, as the kernel takes them.
/// </summary>
public static partial class KernelFile
{
    /// <summary>The largest file read where no other limit is told, in bytes.</summary>
    public const int MaxLength = 16 * 1024 * 1024;

    /// <summary>Reads a whole file.</summary>
    /// <param name="path">The path, zero-terminated.</param>
    /// <param name="buffer">Receives the bytes; replaced by a longer array when they don't fit.</param>
    /// <param name="length">How many bytes the file had; 0 when the read failed.</param>
    /// <param name="root">Where the path begins; null for the machine's own root.</param>
    /// <returns>
    /// The error of open(2) or read(2); <see cref="Errno.EFBIG"/> beyond <see cref="MaxLength"/>.
    /// </returns>
    public static LinuxResult Read(
        ReadOnlySpan<byte> path,
        ref byte[] buffer,
        out int length,
        RootFolder? root = null
    )
    {
        var result = ReadPrefix(path, ref buffer, MaxLength, out length, out var isWhole, root);
        if (isWhole || !result.IsSuccess)
        {
            return result;
        }

        length = 0;
        return new LinuxResult(Errno.EFBIG);
    }

    /// <summary>
    /// Reads the beginning of a file, and asks the kernel for no more than that: some files it makes up as far as they are
    /// read, however long they are.
    /// </summary>
    /// <param name="path">The path, zero-terminated.</param>
    /// <param name="buffer">Receives the bytes; replaced by a longer array when they don't fit.</param>
    /// <param name="limit">How many bytes are read at most.</param>
    /// <param name="length">How many were; 0 when the read failed.</param>
    /// <param name="isWhole">Whether that was all.</param>
    /// <param name="root">Where the path begins; null for the machine's own root.</param>
    /// <param name="isOnePiece">
    /// Whether the kernel hands out the file as one piece (<c>single_open()</c>: <c>stat</c>, <c>cgroup</c>, what is in sysfs and in
    /// cgroups, but no list): what leaves room and ends its line is all then, and isn't asked about once more.
    /// </param>
    public static unsafe LinuxResult ReadPrefix(
        ReadOnlySpan<byte> path,
        ref byte[] buffer,
        int limit,
        out int length,
        out bool isWhole,
        RootFolder? root = null,
        bool isOnePiece = false
    )
    {
        length = 0;
        isWhole = false;
        RequireZeroTerminated(path);

        // A FIFO or a device someone put in a --host-root must not block the agent.
        var opened = RootFolder.Open(root, path, O_RDONLY | O_NONBLOCK, out var fd);
        if (!opened.IsSuccess)
        {
            return opened;
        }

        try
        {
            return ReadUpTo(fd, ref buffer, limit, isOnePiece, out length, out isWhole);
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
    /// <param name="root">Where the path begins; null for the machine's own root.</param>
    public static unsafe LinuxResult ReadLink(
        ReadOnlySpan<byte> path,
        Span<byte> buffer,
        out int length,
        RootFolder? root = null
    )
    {
        RequireZeroTerminated(path);
        if (root is not null)
        {
            return ReadLinkIn(root, path, buffer, out length);
        }

        long received;
        fixed (byte* name = path)
        fixed (byte* target = buffer)
        {
            received = (long)readlink(name, target, buffer.Length);
        }

        length = (int)Math.Max(received, 0);
        return LinuxResult.FromReturnValue(received);
    }

    /// <summary>
    /// Counts a folder's subfolders by its links, without listing them: in <c>/proc/PID/task</c> those are the threads
    /// (<c>proc_task_getattr</c> in <c>fs/proc/base.c</c>). Some file systems don't count.
    /// </summary>
    /// <param name="path">The folder's path, zero-terminated.</param>
    /// <param name="count">How many there are; below zero where the file system doesn't count.</param>
    /// <param name="root">Where the path begins; null for the machine's own root.</param>
    /// <returns>The error of statx(2).</returns>
    public static LinuxResult CountFolders(
        ReadOnlySpan<byte> path,
        out long count,
        RootFolder? root = null
    )
    {
        RequireZeroTerminated(path);
        if (root is null)
        {
            return Statx.CountFolders(Statx.AtWorkingFolder, path, out count);
        }

        count = 0;
        var result = RootFolder.Open(root, path, RootFolder.PlaceOnly, out var folder);
        if (result.IsSuccess)
        {
            result = Statx.CountFolders(folder, "\0"u8, out count);
            _ = close(folder);
        }

        return result;
    }

    private static LinuxResult ReadLinkIn(
        RootFolder root,
        ReadOnlySpan<byte> path,
        Span<byte> buffer,
        out int length
    )
    {
        length = 0;
        var opened = RootFolder.Open(root, path, RootFolder.PlaceOnly | O_NOFOLLOW, out var fd);
        if (!opened.IsSuccess)
        {
            return opened;
        }

        var result = RootWalk.ReadLink(fd, buffer, out length);
        _ = close(fd);

        // readlinkat(2) of a descriptor says ENOENT where readlink(2) says that it's no link.
        return result.Errno == Errno.ENOENT ? new LinuxResult(Errno.EINVAL) : result;
    }

    private static unsafe LinuxResult ReadUpTo(
        int fd,
        ref byte[] buffer,
        int limit,
        bool isOnePiece,
        out int length,
        out bool isWhole
    )
    {
        length = 0;
        isWhole = false;
        byte next;
        while (true)
        {
            if (length == buffer.Length && length < limit)
            {
                Array.Resize(ref buffer, Math.Min(Math.Max(buffer.Length * 2, 4096), limit));
            }

            // One byte more tells whether the file goes on.
            var room = Math.Min(buffer.Length, limit) - length;
            long received;
            fixed (byte* start = buffer)
            {
                received = (long)(room > 0 ? read(fd, start + length, room) : read(fd, &next, 1));
            }

            if (received == 0)
            {
                isWhole = true;
                return LinuxResult.Success;
            }

            if (received > 0 && room == 0)
            {
                return LinuxResult.Success;
            }

            if (received > 0)
            {
                length += (int)received;
                if (isOnePiece && received < room && buffer[length - 1] == (byte)'\n')
                {
                    isWhole = true;
                    return LinuxResult.Success;
                }

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
