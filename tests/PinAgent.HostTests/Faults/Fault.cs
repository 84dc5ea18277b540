namespace PinAgent.HostTests.Faults;

/// <summary>System calls that fail, and how: what strace(1) calls an injection.</summary>
/// <param name="Calls">The calls, as strace names them, with commas.</param>
/// <param name="Seldom">
/// Of how many of a thread's calls one fails, at least and below what: so that a pass, which makes hundreds of some and a few of others,
/// comes to its end now and then.
/// </param>
/// <param name="Ways">How they fail, one after the other: <c>error=EIO</c>, <c>retval=0</c>, <c>delay_exit=20000</c> (µs).</param>
internal sealed record Fault(string Calls, (int Least, int Most) Seldom, params string[] Ways)
{
    private static readonly (int Least, int Most) OfHundreds = (40, 400);
    private static readonly (int Least, int Most) OfTens = (7, 40);

    // Not each of those that may be interrupted: the runtime asks again at once, as the kernel interrupts nobody twice for nothing.
    private static readonly (int Least, int Most) OfFew = (2, 4);
    private static readonly (int Least, int Most) Each = (1, 2);

    /// <summary>All that a pass, the listeners, the endpoint and what is kept need of the kernel.</summary>
    public static IReadOnlyList<Fault> All { get; } =
    [
        new(
            "openat,openat2",
            OfHundreds,
            "error=EIO",
            "error=ENOMEM",
            "error=EMFILE",
            "error=EACCES",
            "error=EINTR",
            "error=ENOENT"
        ),
        new(
            "read,pread64",
            OfHundreds,
            "error=EIO",
            "error=EINTR",
            "error=ENOMEM",
            "error=ESRCH",
            "retval=0"
        ),
        new("getdents64", OfTens, "error=EIO", "error=ENOMEM", "error=ENOENT", "retval=0"),
        new("newfstatat,fstat,statx", OfTens, "error=EIO", "error=ENOENT", "error=ENOMEM"),
        new(
            "sched_setaffinity",
            OfFew,
            "error=EPERM",
            "error=EINVAL",
            "error=ESRCH",
            "error=ENOMEM"
        ),
        new(
            "sched_getaffinity",
            OfTens,
            "error=EPERM",
            "error=EINVAL",
            "error=ESRCH",
            "error=ENOMEM"
        ),
        new(
            "write,pwrite64,writev",
            OfFew,
            "error=ENOSPC",
            "error=EIO",
            "error=EINTR",
            "error=EAGAIN"
        ),
        new(
            "rename,renameat,renameat2,fsync,fdatasync",
            Each,
            "error=ENOSPC",
            "error=EIO",
            "error=EROFS"
        ),
        new("unlink,unlinkat,mkdir,mkdirat", Each, "error=EIO", "error=EACCES"),
        new("inotify_add_watch,inotify_rm_watch", Each, "error=ENOSPC", "error=ENOMEM"),
        new(
            "recvmsg,recvfrom",
            OfFew,
            "error=ENOBUFS",
            "error=ENOMEM",
            "error=EINTR",
            "error=ECONNRESET"
        ),
        new("sendmsg,sendto", Each, "error=ENOBUFS", "error=EPIPE", "error=ECONNRESET"),
        new(
            "accept,accept4,socket",
            Each,
            "error=EMFILE",
            "error=ENFILE",
            "error=ENOMEM",
            "error=ECONNABORTED"
        ),
        new("poll,ppoll", OfFew, "error=EINTR", "error=ENOMEM"),
        new("openat,read,getdents64,sched_setaffinity,rename", OfHundreds, "delay_exit=20000"),
    ];
}
