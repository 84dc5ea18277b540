using static Tmds.Linux.LibC;

namespace PinAgent.NativeInterop.Files;

/// <summary>
/// A folder that is held open, to have its subfolders counted again and again: a system call where opening it each time takes three.
/// <c>/proc/PID/task</c> means that process for good: once it's gone it has none, even if another has got its id.
/// </summary>
/// <remarks>Source: <c>proc_task_getattr()</c> in <c>fs/proc/base.c</c> of the kernel, which adds the threads of the task if there's one.</remarks>
public sealed class KeptFolder : IDisposable
{
    private int _fd;

    private KeptFolder(int fd) => _fd = fd;

    /// <summary>Opens a folder.</summary>
    /// <param name="path">The path, zero-terminated.</param>
    /// <param name="root">Where the path begins; null for the machine's own root.</param>
    /// <param name="folder">What to dispose of; null if it can't be had.</param>
    public static LinuxResult Open(
        ReadOnlySpan<byte> path,
        RootFolder? root,
        out KeptFolder? folder
    )
    {
        KernelFile.RequireZeroTerminated(path);
        var result = RootFolder.Open(root, path, RootFolder.PlaceOnly | O_DIRECTORY, out var fd);
        folder = result.IsSuccess ? new KeptFolder(fd) : null;
        return result;
    }

    /// <summary>As <see cref="KernelFile.CountFolders"/>. Allocates nothing.</summary>
    public LinuxResult CountFolders(out long count) => Statx.CountFolders(_fd, "\0"u8, out count);

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
