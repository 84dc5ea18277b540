using System.Runtime.InteropServices;
using System.Text;
using PinAgent.NativeInterop.Files;

namespace PinAgent.NativeInterop;

/// <summary>Tells of files that are written and folders whose files are replaced. Source: inotify(7).</summary>
public sealed partial class Inotify : IDisposable
{
    private const uint Modify = 0x2;
    private const uint CloseWrite = 0x8;
    private const uint MovedTo = 0x80;
    private const int CloseOnExec = 0x80000;
    private const int NonBlocking = 0x800;
    private const int EventHeader = 16;
    private const int NameLengthOffset = 12;

    private readonly EventDescriptor _events;
    private readonly byte[] _read = new byte[16 * 1024];

    private Inotify(EventDescriptor events) => _events = events;

    /// <summary>Begins to listen, to nothing yet.</summary>
    /// <param name="inotify">What listens; null if that failed.</param>
    /// <returns><see cref="Errno.EMFILE"/> beyond <c>fs.inotify.max_user_instances</c>.</returns>
    public static LinuxResult TryOpen(out Inotify? inotify)
    {
        inotify = null;
        var fd = inotify_init1(CloseOnExec | NonBlocking);
        if (fd < 0)
        {
            return LinuxResult.FromReturnValue(fd);
        }

        var result = EventDescriptor.TryCreate(fd, out var events);
        inotify = events is null ? null : new Inotify(events);
        return result;
    }

    /// <summary>Listens to writes to a file, from now on; again if it does already.</summary>
    /// <param name="path">The path, zero-terminated.</param>
    /// <param name="watch">The watch's number: the same for the same file.</param>
    /// <param name="root">Where the path begins; null for the machine's own root.</param>
    /// <returns>ENOSPC beyond <c>fs.inotify.max_user_watches</c>.</returns>
    public LinuxResult WatchFile(ReadOnlySpan<byte> path, out int watch, RootFolder? root = null) =>
        Add(path, Modify, root, out watch);

    /// <summary>Listens to files of a folder that were written, or replaced by renaming.</summary>
    /// <param name="path">The path, zero-terminated.</param>
    /// <param name="root">Where the path begins; null for the machine's own root.</param>
    public LinuxResult WatchFolder(ReadOnlySpan<byte> path, RootFolder? root = null) =>
        Add(path, CloseWrite | MovedTo, root, out _);

    /// <summary>Doesn't listen to it any more; the kernel has given it up already where the file is gone.</summary>
    public void Forget(int watch) => _ = inotify_rm_watch(_events.Fd, watch);

    /// <summary>Waits until something happened to any of them, a file's end included.</summary>
    /// <param name="watches">The numbers of the watches, one for each thing that happened; -1 where some were lost.</param>
    /// <param name="longest">How long to wait; null for ever.</param>
    /// <returns>
    /// <see cref="Errno.ECANCELED"/> after <see cref="Stop"/>, <see cref="Errno.ETIMEDOUT"/> when nothing happens for so long.
    /// </returns>
    public LinuxResult Next(List<int> watches, TimeSpan? longest = null)
    {
        watches.Clear();
        var result = _events.Read(_read, out var length, longest);
        // struct inotify_event: wd, mask, cookie, and the length of the name that follows.
        for (var at = 0; at + EventHeader <= length; )
        {
            watches.Add(BitConverter.ToInt32(_read.AsSpan(at)));
            at += EventHeader + BitConverter.ToInt32(_read.AsSpan(at + NameLengthOffset));
        }

        return result;
    }

    /// <summary>Hears nothing for a while; the kernel keeps what it can.</summary>
    /// <returns><see cref="Errno.ECANCELED"/> after <see cref="Stop"/>.</returns>
    public LinuxResult Pause(TimeSpan length) => _events.Pause(length);

    /// <summary>Ends the wait in <see cref="Next"/>, from another thread.</summary>
    public void Stop() => _events.Stop();

    /// <inheritdoc/>
    public void Dispose() => _events.Dispose();

    private LinuxResult Add(ReadOnlySpan<byte> path, uint mask, RootFolder? root, out int watch)
    {
        KernelFile.RequireZeroTerminated(path);
        if (root is null)
        {
            return Add(path, mask, out watch);
        }

        // inotify takes paths only: this one means what was found below the root, and nothing else.
        watch = -1;
        var opened = RootFolder.Open(root, path, RootFolder.PlaceOnly, out var fd);
        if (!opened.IsSuccess)
        {
            return opened;
        }

        using var place = new Place(fd);
        return Add(Encoding.UTF8.GetBytes(place.Path + '\0'), mask, out watch);
    }

    private unsafe LinuxResult Add(ReadOnlySpan<byte> path, uint mask, out int watch)
    {
        fixed (byte* name = path)
        {
            watch = inotify_add_watch(_events.Fd, name, mask);
        }

        return LinuxResult.FromReturnValue(watch);
    }

    // Not in Tmds.LibC.
    [LibraryImport("libc", SetLastError = true)]
    private static partial int inotify_init1(int flags);

    [LibraryImport("libc", SetLastError = true)]
    private static unsafe partial int inotify_add_watch(int fd, byte* path, uint mask);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int inotify_rm_watch(int fd, int watch);
}
