using PinAgent.NativeInterop;
using PinAgent.NativeInterop.Bpf;

namespace PinAgent.Observe.Events.Foreign;

/// <summary>
/// Something that somebody may have done to a watched thread. It's a hint: the author called the thread by a number of its own
/// PID namespace, so that another thread may be meant. What the thread has now is to be read before anything is put back.
/// </summary>
/// <param name="Tid">The thread, by the machine's own number.</param>
/// <param name="Value">Of a mask, the first 64 CPUs that were asked for; of a move, the cgroup's id.</param>
/// <param name="AtNanoseconds">When it was done, by CLOCK_MONOTONIC.</param>
internal sealed record ForeignChange(
    int Tid,
    ThreadChangeKind Kind,
    ulong Value,
    ForeignAuthor By,
    ulong AtNanoseconds
);

/// <summary>Takes what the kernel tells of others, on the listener's thread, which has a high priority.</summary>
internal interface IForeignChanges
{
    /// <summary>A watched thread may have been changed.</summary>
    void Changed(ForeignChange change);

    /// <summary>A thread has named itself like one of a VM's.</summary>
    void Named(NamedThread thread);
}
