namespace PinAgent.NativeInterop;

/// <summary>
/// The error numbers PinAgent tells apart, with the values of Linux on x86-64 and arm64 (errno(3)).
/// Any other number may occur and is kept as it is.
/// </summary>
public enum Errno
{
    /// <summary>No error.</summary>
    None = 0,

    /// <summary>Operation not permitted: a capability is missing.</summary>
    EPERM = 1,

    /// <summary>No such file or directory: under <c>/proc</c>, the process is gone.</summary>
    ENOENT = 2,

    /// <summary>No such process: the thread is gone.</summary>
    ESRCH = 3,

    /// <summary>A signal arrived first.</summary>
    EINTR = 4,

    /// <summary>Input/output error.</summary>
    EIO = 5,

    /// <summary>Try again: nothing is there yet.</summary>
    EAGAIN = 11,

    /// <summary>The kernel has no memory for it.</summary>
    ENOMEM = 12,

    /// <summary>Permission denied.</summary>
    EACCES = 13,

    /// <summary>A file of that name is there already.</summary>
    EEXIST = 17,

    /// <summary>On another file system: here, one that isn't looked at.</summary>
    EXDEV = 18,

    /// <summary>Not a directory.</summary>
    ENOTDIR = 20,

    /// <summary>Is a directory.</summary>
    EISDIR = 21,

    /// <summary>Invalid argument.</summary>
    EINVAL = 22,

    /// <summary>Too many open files on the machine.</summary>
    ENFILE = 23,

    /// <summary>Too many open files in this process.</summary>
    EMFILE = 24,

    /// <summary>File too large: here, larger than the reader's limit.</summary>
    EFBIG = 27,

    /// <summary>The disk is full.</summary>
    ENOSPC = 28,

    /// <summary>The file system can't be written.</summary>
    EROFS = 30,

    /// <summary>Nobody reads the pipe any more.</summary>
    EPIPE = 32,

    /// <summary>Path or name too long.</summary>
    ENAMETOOLONG = 36,

    /// <summary>The kernel was built without this call.</summary>
    ENOSYS = 38,

    /// <summary>Too many levels of symbolic links.</summary>
    ELOOP = 40,

    /// <summary>No such device: a cgroup was removed under the open file.</summary>
    ENODEV = 19,

    /// <summary>The kernel was built without this protocol.</summary>
    EPROTONOSUPPORT = 93,

    /// <summary>Messages were lost: the reader was too slow for its buffer.</summary>
    ENOBUFS = 105,

    /// <summary>Nobody listens: of netlink, in another network namespace than the host's.</summary>
    ECONNREFUSED = 111,

    /// <summary>Nothing came for so long.</summary>
    ETIMEDOUT = 110,

    /// <summary>The wait was ended by its owner.</summary>
    ECANCELED = 125,

    /// <summary>Not supported: <c>cgroup.procs</c> of a threaded cgroup answers so.</summary>
    EOPNOTSUPP = 95,
}

/// <summary>What an error number means, in words.</summary>
public static class ErrnoText
{
    /// <summary>The text of errno(3), with the number's name.</summary>
    public static string Describe(this Errno errno) =>
        errno switch
        {
            Errno.None => "no error",
            Errno.EPERM => "operation not permitted (EPERM)",
            Errno.ENOENT => "no such file or directory (ENOENT)",
            Errno.ESRCH => "no such process (ESRCH)",
            Errno.EINTR => "interrupted (EINTR)",
            Errno.EIO => "input/output error (EIO)",
            Errno.EAGAIN => "nothing there yet (EAGAIN)",
            Errno.EPROTONOSUPPORT => "protocol not supported (EPROTONOSUPPORT)",
            Errno.ENOBUFS => "no buffer space available (ENOBUFS)",
            Errno.ETIMEDOUT => "timed out (ETIMEDOUT)",
            Errno.ECONNREFUSED => "connection refused (ECONNREFUSED)",
            Errno.ECANCELED => "operation cancelled (ECANCELED)",
            Errno.EACCES => "permission denied (EACCES)",
            Errno.ENODEV => "no such device (ENODEV)",
            Errno.EXDEV => "on another file system (EXDEV)",
            Errno.ENOTDIR => "not a directory (ENOTDIR)",
            Errno.EISDIR => "is a directory (EISDIR)",
            Errno.EINVAL => "invalid argument (EINVAL)",
            Errno.ENOMEM => "no memory for it (ENOMEM)",
            Errno.ENFILE => "too many open files on the machine (ENFILE)",
            Errno.EMFILE => "too many open files (EMFILE)",
            Errno.EFBIG => "file too large (EFBIG)",
            Errno.EEXIST => "exists already (EEXIST)",
            Errno.ENOSPC => "no space left on the disk (ENOSPC)",
            Errno.EROFS => "read-only file system (EROFS)",
            Errno.EPIPE => "nobody reads it any more (EPIPE)",
            Errno.ENAMETOOLONG => "name too long (ENAMETOOLONG)",
            Errno.ENOSYS => "no such call in this kernel (ENOSYS)",
            Errno.ELOOP => "too many symbolic links (ELOOP)",
            Errno.EOPNOTSUPP => "operation not supported (EOPNOTSUPP)",
            _ => $"errno {(int)errno}",
        };

    /// <summary>
    /// Whether the thing asked about has vanished, which is normal under <c>/proc</c> and in cgroups:
    /// processes end while they are read.
    /// </summary>
    public static bool MeansGone(this Errno errno) =>
        errno is Errno.ENOENT or Errno.ESRCH or Errno.ENODEV;

    /// <summary>Whether the machine or this process lacks something just now: that says nothing about what was asked for.</summary>
    public static bool MeansShortage(this Errno errno) =>
        errno is Errno.EMFILE or Errno.ENFILE or Errno.ENOMEM;

    /// <summary>Whether the caller lacks a right.</summary>
    public static bool MeansDenied(this Errno errno) => errno is Errno.EPERM or Errno.EACCES;
}
