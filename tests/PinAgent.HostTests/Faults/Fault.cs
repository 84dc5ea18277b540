namespace PinAgent.HostTests.Faults;

/// <summary>System calls that fail, and how: what strace(1) calls an injection.</summary>
/// <param name="Calls">The calls, as strace names them, with commas.</param>
/// <param name="Ways">How they fail, one after the other: <c>error=EIO</c>, <c>retval=0</c>, <c>delay_exit=20000</c> (µs).</param>
internal sealed record Fault(string Calls, params string[] Ways)
{
    /// <summary>All that a pass, the listeners, the endpoint and what is kept need of the kernel.</summary>
    public static IReadOnlyList<Fault> All { get; } =
    [
        new(
            "openat,openat2",
            "error=EIO",
            "error=ENOMEM",
            "error=EMFILE",
            "error=EACCES",
            "error=EINTR",
            "error=ENOENT"
        ),
        new("read,pread64", "error=EIO", "error=EINTR", "error=ENOMEM", "error=ESRCH", "retval=0"),
        new("getdents64", "error=EIO", "error=ENOMEM", "error=ENOENT", "retval=0"),
        new("newfstatat,fstat,statx", "error=EIO", "error=ENOENT", "error=ENOMEM"),
        new("fstatfs,statfs", "error=EIO", "error=ENOSYS"),
        new("sched_setaffinity", "error=EPERM", "error=EINVAL", "error=ESRCH", "error=ENOMEM"),
        new("sched_getaffinity", "error=EPERM", "error=EINVAL", "error=ESRCH", "error=ENOMEM"),
        new("write,pwrite64,writev", "error=ENOSPC", "error=EIO", "error=EINTR", "error=EAGAIN"),
        new("rename,renameat,renameat2", "error=ENOSPC", "error=EIO", "error=EROFS"),
        new("fsync,fdatasync", "error=EIO", "error=ENOSPC"),
        new("unlink,unlinkat,mkdir,mkdirat", "error=EIO", "error=EACCES"),
        new("inotify_add_watch,inotify_rm_watch", "error=ENOSPC", "error=ENOMEM"),
        new("recvmsg,recvfrom", "error=ENOBUFS", "error=ENOMEM", "error=EINTR", "error=ECONNRESET"),
        new("sendmsg,sendto", "error=ENOBUFS", "error=EPIPE", "error=ECONNRESET"),
        new(
            "accept,accept4,socket",
            "error=EMFILE",
            "error=ENFILE",
            "error=ENOMEM",
            "error=ECONNABORTED"
        ),
        new("poll,ppoll", "error=EINTR", "error=ENOMEM"),
        new("openat,read,getdents64,sched_setaffinity,rename", "delay_exit=20000"),
    ];
}
