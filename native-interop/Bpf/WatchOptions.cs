using System.Collections.Immutable;

namespace PinAgent.NativeInterop.Bpf;

/// <summary>What to listen to.</summary>
/// <param name="Moves">Whether to moves of watched threads into another cgroup.</param>
/// <param name="OwnPid">This process, in the machine's own PID namespace: what it does itself isn't told.</param>
/// <param name="TraceFolders">Where tracefs may be mounted.</param>
public sealed record WatchOptions(
    MaskHook Masks,
    bool Moves,
    int OwnPid,
    ImmutableArray<string> TraceFolders
)
{
    /// <summary>Whether to names like those of a VM's threads.</summary>
    public bool Names { get; init; }
}

/// <summary>What wasn't told, since the begin.</summary>
/// <param name="Lost">What the ring buffer had no room for.</param>
/// <param name="Missed">Changes whose call wasn't seen to return: the kernel watches so many returns at once, and no more.</param>
/// <param name="MaskExcess">Changes by processes that had had their share.</param>
/// <param name="NameExcess">Names by processes that had had theirs.</param>
public readonly record struct ThreadChangeLosses(
    ulong Lost,
    ulong Missed,
    ulong MaskExcess,
    ulong NameExcess
);
