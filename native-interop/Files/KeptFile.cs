using System.Runtime.InteropServices;
using static Tmds.Linux.LibC;

namespace PinAgent.NativeInterop.Files;

/// <summary>
/// A small file of <c>/proc</c> or of a cgroup that is held open and read from its beginning again and again: a system call where
/// opening it each time takes three. One of a thread means that thread for good, and one of a cgroup that cgroup: once it's gone
/// reading fails, even if another has got its id or name.
/// </summary>
/// <remarks>
/// Sources: <c>proc_single_show()</c> in <c>fs/proc/base.c</c> of the kernel: <c>ESRCH</c> without the task;
/// <c>kernfs_seq_start()</c> in <c>fs/kernfs/file.c</c>: <c>ENODEV</c> without the cgroup, which an open file doesn't keep from
/// being removed.
/// </remarks>
public sealed partial class KeptFile : IDisposable
{
    // RLIMIT_NOFILE, wherever .NET runs.
    private const int OpenFiles = 7;

    private int _fd;

    private KeptFile(int fd) => _fd = fd;

    /// <summary>How many descriptors this process may have.</summary>
    public static unsafe long MostDescriptors
    {
        get
        {
            var limit = stackalloc nuint[2];
            return getrlimit(OpenFiles, limit) == 0 ? (long)Math.Min(limit[0], int.MaxValue) : 0;
        }
    }

    /// <summary>Whether it's a cgroup's. A copy of such a file can be replaced by another of its name, and this one not know.</summary>
    public bool IsOfCgroup => FileSystemType.IsCgroup(_fd);

    /// <summary>Opens a file.</summary>
    /// <param name="path">The path, zero-terminated.</param>
    /// <param name="root">Where the path begins; null for the machine's own root.</param>
    /// <param name="file">What to dispose of; null if it can't be had.</param>
    public static LinuxResult Open(ReadOnlySpan<byte> path, RootFolder? root, out KeptFile? file)
    {
        KernelFile.RequireZeroTerminated(path);
        var result = RootFolder.Open(root, path, O_RDONLY | O_NONBLOCK, out var fd);
        file = result.IsSuccess ? new KeptFile(fd) : null;
        return result;
    }

    /// <summary>Reads from the beginning, as much as there's room for. Allocates nothing.</summary>
    /// <returns>The error of pread(2): <see cref="Errno.ESRCH"/> once the thread that it's of has ended.</returns>
    public unsafe LinuxResult Read(Span<byte> buffer, out int length)
    {
        long received;
        LinuxResult result;
        do
        {
            fixed (byte* start = buffer)
            {
                received = (long)pread(_fd, start, buffer.Length, 0);
            }

            result = LinuxResult.FromReturnValue(received);
        } while (result.Errno == Errno.EINTR);

        length = (int)Math.Max(received, 0);
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

    // Not in Tmds.LibC. struct rlimit { rlim_t rlim_cur; rlim_t rlim_max; }
    [LibraryImport("libc", SetLastError = true)]
    private static unsafe partial int getrlimit(int resource, nuint* limit);
}
