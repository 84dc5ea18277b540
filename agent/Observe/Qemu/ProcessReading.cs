using PinAgent.Model.Vm;
using PinAgent.NativeInterop;

namespace PinAgent.Observe.Qemu;

/// <summary>What came of reading a process: a VM, none, or no answer. Of errors only ENOENT and ESRCH say that there's none any more.</summary>
/// <param name="Vm">The VM; null in the other cases.</param>
/// <param name="Unreadable">Why it can't be told; null where it can.</param>
/// <param name="Errno">The error behind that, if there was one.</param>
internal readonly record struct ProcessReading(ObservedVm? Vm, string? Unreadable, Errno Errno)
{
    /// <summary>When the process started, where there's no answer and yet that much is known.</summary>
    public ulong? StartTime { get; init; }

    /// <summary>Whether there's no answer now, and may be one at the next look.</summary>
    public bool IsWorthAnotherLook =>
        Unreadable is not null && !Errno.MeansDenied() && Errno != Errno.None;

    /// <summary>The process has ended, or is no VM.</summary>
    public static ProcessReading Gone => default;

    /// <summary>A VM.</summary>
    public static ProcessReading Found(ObservedVm vm) => new(vm, null, Errno.None);

    /// <summary>A file of the process that can't be read: for good where the process has ended, else for now.</summary>
    /// <param name="path">The file, as it is for the file system.</param>
    public static ProcessReading Failed(Errno errno, string path) =>
        MeansEnded(errno) ? Gone : new(null, $"{path}: {errno.Describe()}; looking again", errno);

    /// <summary>
    /// A process whose files bring out a fault of ours. They are its owner's to write, so he alone pays for it, and no other VM.
    /// </summary>
    public static ProcessReading Mistaken(int pid, Exception fault) =>
        new(
            null,
            $"/proc/{pid}: brings out a fault in PinAgent ({fault.GetType().Name}); please report it",
            Errno.None
        );

    /// <summary>Whether an error of a file below <c>/proc/PID</c> says that the process or thread has ended.</summary>
    public static bool MeansEnded(Errno errno) => errno is Errno.ENOENT or Errno.ESRCH;

    /// <summary>What is known of a VM of which this is the reading: what was known before, with the reason, if there's no answer.</summary>
    /// <param name="known">The VM as it was; null if the process was none.</param>
    public ObservedVm? Or(ObservedVm? known)
    {
        if (
            Unreadable is null
            || known is null
            || (StartTime ?? known.Key.StartTime) != known.Key.StartTime
        )
        {
            return Vm;
        }

        var problem = Standing.Unclear(Reason.Unreadable, Unreadable);
        return known.Problem == problem ? known : known with { Problem = problem };
    }
}
