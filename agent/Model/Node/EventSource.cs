using System.Text.Json.Serialization;

namespace PinAgent.Model.Node;

/// <summary>How the agent learns of new threads.</summary>
/// <param name="State">Whether the kernel tells.</param>
/// <param name="Message">Why it doesn't; null if it does.</param>
internal sealed record EventSource(EventSourceState State, string? Message)
{
    /// <summary>How often the kernel had more to tell than it could keep, since the agent's start.</summary>
    public long Overflows { get; init; }

    /// <summary>
    /// How soon what listens gets a CPU: <c>FIFO 1</c>; <c>nice -20</c> where its cgroup has no real-time budget; <c>usual</c> without the
    /// right; null if nothing listens.
    /// </summary>
    public string? Priority { get; init; }

    /// <summary>How it learns of masks that others set; null where the kernel isn't asked, as with a recorded machine.</summary>
    public MaskSource? Masks { get; init; }

    /// <summary>The best there is, in a word: <c>ebpf</c>, <c>connector</c> or <c>scanning</c>.</summary>
    public string Source =>
        Masks is { State: not MaskSourceState.Looking } ? "ebpf"
        : State == EventSourceState.Listening ? "connector"
        : "scanning";
}

/// <summary>How the agent learns of masks that others set.</summary>
/// <param name="State">Whether the kernel tells.</param>
/// <param name="Message">What it doesn't tell, and why; null if it tells all.</param>
internal sealed record MaskSource(MaskSourceState State, string? Message);

/// <summary>Whether the kernel tells who sets masks.</summary>
public enum MaskSourceState
{
    /// <summary>It does, by eBPF at probes of its functions.</summary>
    [JsonStringEnumMemberName("probes")]
    Probes,

    /// <summary>It does, by eBPF with every system call.</summary>
    [JsonStringEnumMemberName("syscalls")]
    Syscalls,

    /// <summary>It doesn't; the agent looks, once per period.</summary>
    [JsonStringEnumMemberName("looking")]
    Looking,
}

/// <summary>Whether the kernel tells of new threads.</summary>
public enum EventSourceState
{
    /// <summary>It tells at once: process connector.</summary>
    [JsonStringEnumMemberName("listening")]
    Listening,

    /// <summary>The agent looks, once per period.</summary>
    [JsonStringEnumMemberName("scanning")]
    Scanning,
}
