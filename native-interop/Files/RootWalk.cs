using System.Text;
using static Tmds.Linux.LibC;

namespace PinAgent.NativeInterop.Files;

/// <summary>
/// Follows a path name by name and link by link, for kernels and sandboxes without openat2. What a link says is a path
/// again, and begins at the root or where the link is: the kernel never follows one itself.
/// </summary>
internal static class RootWalk
{
    // As the kernel: MAXSYMLINKS.
    private const int MostLinks = 40;

    // Each is a descriptor while the walk lasts.
    private const int MostFolders = 128;

    // Where a guard is asked at each of them. No way that is meant has as many, and links can make one of thousands.
    private const int MostGuardedSteps = 64;

    private const int LongestTarget = 4096;

    /// <summary>Opens what a path below a folder means.</summary>
    /// <param name="guard">Says how far the way is gone; null for every way.</param>
    public static LinuxResult Open(
        int root,
        ReadOnlySpan<byte> path,
        int flags,
        out int fd,
        IWalkGuard? guard = null
    )
    {
        using var walk = new Walk(root, guard);
        return walk.Open(path[..^1], flags, out fd);
    }

    private sealed class Walk(int root, IWalkGuard? guard) : IDisposable
    {
        // From the root, which is the caller's, to where the walk is.
        private readonly List<int> _folders = [root];

        // The paths of those after the root, and the mounts of all: for the guard.
        private readonly List<string> _paths = [];
        private readonly List<ulong> _mounts = [];
        private readonly Stack<byte[]> _rest = [];
        private int _links;
        private int _steps;

        public LinuxResult Open(ReadOnlySpan<byte> path, int flags, out int fd)
        {
            fd = -1;
            if (path.IsEmpty)
            {
                return new LinuxResult(Errno.ENOENT);
            }

            if (guard is not null && EnterRoot(guard) is { IsSuccess: false } refused)
            {
                return refused;
            }

            Push(path);
            while (_rest.TryPop(out var name))
            {
                var isLast = _rest.Count == 0;
                if (name is [(byte)'.', 0])
                {
                    continue;
                }

                if (name is [(byte)'.', (byte)'.', 0])
                {
                    Leave();
                    continue;
                }

                var result = Enter(name, isLast ? flags : PlaceOfFolder, out var found);
                if (!result.IsSuccess || found >= 0)
                {
                    fd = found;
                    return result;
                }
            }

            // A folder: what was last is `.`, `..`, or a link to `/`.
            return OpenIn(_folders[^1], ".\0"u8, flags, out fd);
        }

        public void Dispose()
        {
            while (_folders.Count > 1)
            {
                Leave();
            }
        }

        private const int PlaceOfFolder = -1;

        // Either a step to a folder on the way, or the end of the walk, or a link that has lengthened the way.
        private LinuxResult Enter(byte[] name, int flags, out int found)
        {
            found = -1;
            if (_folders.Count > MostFolders)
            {
                return new LinuxResult(Errno.ENAMETOOLONG);
            }

            if (guard is not null && ++_steps > MostGuardedSteps)
            {
                return new LinuxResult(Errno.ELOOP);
            }

            var path = guard is null ? "" : PathOf(name);
            var mount = guard?.MountAt(path, _mounts[^1]);
            if (guard is not null && mount is null)
            {
                return new LinuxResult(Errno.EXDEV);
            }

            var result = OpenIn(
                _folders[^1],
                name,
                RootFolder.PlaceOnly | O_NOFOLLOW | O_CLOEXEC,
                out var place
            );
            if (!result.IsSuccess)
            {
                return result;
            }

            if (guard is not null && Judge(guard, place, mount) is { IsSuccess: false } refused)
            {
                _ = close(place);
                return refused;
            }

            var target = new byte[LongestTarget];
            if (ReadLink(place, target, out var length).IsSuccess)
            {
                return FollowOrKeep(place, target.AsSpan(0, length), flags, out found);
            }

            if (flags == PlaceOfFolder)
            {
                _folders.Add(place);
                if (mount is { } id)
                {
                    _paths.Add(path);
                    _mounts.Add(id);
                }

                return LinuxResult.Success;
            }

            if (guard is not null)
            {
                // What was judged is what is given.
                found = place;
                return LinuxResult.Success;
            }

            _ = close(place);

            // No link a moment ago; one that has taken its place isn't followed.
            return OpenIn(_folders[^1], name, flags | O_NOFOLLOW, out found);
        }

        private LinuxResult FollowOrKeep(
            int link,
            ReadOnlySpan<byte> target,
            int flags,
            out int found
        )
        {
            found = -1;
            if (flags != PlaceOfFolder && (flags & O_NOFOLLOW) != 0)
            {
                if ((flags & RootFolder.PlaceOnly) != 0)
                {
                    found = link;
                    return LinuxResult.Success;
                }

                _ = close(link);
                return new LinuxResult(Errno.ELOOP);
            }

            // Links of /proc to files that a process has open say a path, or `pipe:[1]`, and mean something else.
            var isMagic =
                FileSystemType.IsProcfs(link)
                && (target.StartsWith("/"u8) || target.Contains((byte)'['));
            _ = close(link);
            if (isMagic || target.IsEmpty || ++_links > MostLinks)
            {
                return new LinuxResult(Errno.ELOOP);
            }

            if (target[0] == (byte)'/')
            {
                Dispose();
            }

            Push(target);
            return LinuxResult.Success;
        }

        private LinuxResult EnterRoot(IWalkGuard guard)
        {
            var result = PlaceStatus.Of(root, out var status);
            _mounts.Add(status.MountId);
            return result.IsSuccess ? guard.Judge(status) : result;
        }

        private static LinuxResult Judge(IWalkGuard guard, int place, ulong? mount)
        {
            var result = PlaceStatus.Of(place, out var status);
            return !result.IsSuccess ? result
                : status.MountId == mount ? guard.Judge(status)
                : new LinuxResult(Errno.EXDEV);
        }

        private string PathOf(ReadOnlySpan<byte> name) =>
            $"{(_paths.Count > 0 ? _paths[^1] : "")}/{Encoding.Latin1.GetString(name[..^1])}";

        private void Push(ReadOnlySpan<byte> path)
        {
            var names = new List<byte[]>();
            foreach (var part in path.Split((byte)'/'))
            {
                if (path[part] is { IsEmpty: false } name)
                {
                    names.Add([.. name, 0]);
                }
            }

            for (var i = names.Count - 1; i >= 0; i--)
            {
                _rest.Push(names[i]);
            }
        }

        private void Leave()
        {
            if (_folders.Count > 1)
            {
                _ = close(_folders[^1]);
                _folders.RemoveAt(_folders.Count - 1);
                if (guard is not null)
                {
                    _paths.RemoveAt(_paths.Count - 1);
                    _mounts.RemoveAt(_mounts.Count - 1);
                }
            }
        }
    }

    private static unsafe LinuxResult OpenIn(
        int folder,
        ReadOnlySpan<byte> name,
        int flags,
        out int fd
    )
    {
        fixed (byte* start = name)
        {
            fd = openat(folder, start, flags | O_CLOEXEC);
        }

        return LinuxResult.FromReturnValue(fd);
    }

    /// <summary>Reads the link that a descriptor stands for.</summary>
    internal static unsafe LinuxResult ReadLink(int fd, Span<byte> buffer, out int length)
    {
        long received;
        var nothing = stackalloc byte[1];
        nothing[0] = 0;
        fixed (byte* target = buffer)
        {
            received = (long)readlinkat(fd, nothing, target, buffer.Length);
        }

        length = (int)Math.Max(received, 0);
        return LinuxResult.FromReturnValue(received);
    }
}
