using System.Buffers.Text;
using static Tmds.Linux.LibC;

namespace PinAgent.NativeInterop.Files;

/// <summary>
/// A process's folder in <c>/proc</c>, held open. It means this process for good: once that has ended nothing is found in it,
/// even if another process has got its id.
/// </summary>
/// <remarks>Source: <c>proc_pid_lookup()</c> and <c>proc_task_lookup()</c> in <c>fs/proc/base.c</c> of the kernel.</remarks>
public sealed class ProcessFolder : IDisposable
{
    // AT_STATX_DONT_SYNC; and nothing is asked for but whether it's there.
    private const int AsKnown = 0x4000;

    private int _fd;

    private ProcessFolder(int fd) => _fd = fd;

    /// <summary>Opens the folder of the process that has this id now.</summary>
    /// <param name="root">Where <c>/proc</c> is; null for the machine's own root.</param>
    /// <param name="folder">What to dispose of; null if it can't be had.</param>
    public static LinuxResult Open(RootFolder? root, int pid, out ProcessFolder? folder)
    {
        Span<byte> path = stackalloc byte[32];
        "/proc/"u8.CopyTo(path);
        _ = Utf8Formatter.TryFormat(pid, path[6..], out var digits);
        path[6 + digits] = 0;
        var result = RootFolder.Open(
            root,
            path[..(7 + digits)],
            RootFolder.PlaceOnly | O_DIRECTORY,
            out var fd
        );
        folder = result.IsSuccess ? new ProcessFolder(fd) : null;
        return result;
    }

    /// <summary>Whether the process lives, and a thread with this id is one of its. Allocates nothing; one system call.</summary>
    public unsafe bool HasThread(int tid)
    {
        var path = stackalloc byte[32];
        var text = new Span<byte>(path, 32);
        "task/"u8.CopyTo(text);
        _ = Utf8Formatter.TryFormat(tid, text[5..], out var digits);
        text[5 + digits] = 0;
        var status = stackalloc uint[Statx.Words];
        return Statx.Ask(_fd, path, AsKnown, 0, status).IsSuccess;
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
}
