using System.Collections.Immutable;
using System.Text.Json.Serialization;
using PinAgent.Model.Cpu;

namespace PinAgent.Model.Node;

/// <summary>Whether the kubelet's CPU manager gives out exclusive CPUs on this node.</summary>
public enum CpuManagerState
{
    /// <summary>It can't be told.</summary>
    [JsonStringEnumMemberName("unknown")]
    Unknown,

    /// <summary>It runs with policy none, or there's no checkpoint: it gives out none.</summary>
    [JsonStringEnumMemberName("none")]
    None,

    /// <summary>It runs with policy static.</summary>
    [JsonStringEnumMemberName("static")]
    Static,

    /// <summary>
    /// A DRA driver for CPUs is registered with the kubelet and gives out exclusive CPUs in the CPU manager's place.
    /// </summary>
    [JsonStringEnumMemberName("dra")]
    Dra,
}

/// <summary>The CPUs one container has exclusively.</summary>
/// <param name="PodUid">The pod; null in the oldest files.</param>
/// <param name="Container">The container's name, or its id in the oldest files; null for CPUs of the pod as a whole.</param>
/// <param name="Cpus">The CPUs.</param>
internal sealed record ExclusiveCpus(string? PodUid, string? Container, CpuSet Cpus);

/// <summary>What the kubelet's CPU manager has written down.</summary>
/// <param name="PolicyName"><c>static</c> or <c>none</c>.</param>
/// <param name="SharedPool">The CPUs that containers without exclusive ones use; it means something with policy static only.</param>
/// <param name="Entries">Who has which CPUs.</param>
internal sealed record CpuManagerCheckpoint(
    string PolicyName,
    CpuSet SharedPool,
    ImmutableArray<ExclusiveCpus> Entries
)
{
    /// <summary>Whether the static policy is in force: then exclusive CPUs exist.</summary>
    public bool IsStatic => PolicyName == "static";

    /// <inheritdoc/>
    public bool Equals(CpuManagerCheckpoint? other) =>
        other is not null
        && PolicyName == other.PolicyName
        && SharedPool.Equals(other.SharedPool)
        && Entries.AsSpan().SequenceEqual(other.Entries.AsSpan());

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(PolicyName, SharedPool, Entries.Length);
}

/// <summary>What is known of the CPU manager, and by which evidence.</summary>
/// <param name="State">The answer.</param>
/// <param name="Checkpoint">The checkpoint, where it could be read.</param>
/// <param name="Evidence">What was looked at and found, for people.</param>
internal sealed record CpuManagerObservation(
    CpuManagerState State,
    CpuManagerCheckpoint? Checkpoint,
    IReadOnlyList<string> Evidence
)
{
    /// <summary>The CPUs every container without exclusive ones may use; null where that isn't known.</summary>
    public CpuSet? SharedPool => Checkpoint is { IsStatic: true } known ? known.SharedPool : null;
}
