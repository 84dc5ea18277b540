using System.Collections.Immutable;
using System.Text.Json;
using System.Text.Json.Serialization;
using PinAgent.Model.Cpu;
using PinAgent.Model.Kubernetes;
using PinAgent.Model.Node;
using PinAgent.Report.Cluster;

namespace PinAgent.Report.Status;

/// <summary>The node's status: what <c>run --once -o json</c> prints, and the status endpoint answers.</summary>
internal sealed record NodeStatus
{
    /// <summary>Grows when a field changes its meaning or goes; new fields don't count.</summary>
    public int SchemaVersion { get; init; } = 1;

    /// <summary>The node's name.</summary>
    public required string Node { get; init; }

    /// <summary>Whether the agent changes masks.</summary>
    public required AgentMode Mode { get; init; }

    /// <summary>Why it only audits though it was told to enforce; null otherwise.</summary>
    public string? ModeMessage { get; init; }

    /// <summary>What was asked for and came to nothing, or waits: a guest named and not found, an edit of the settings file.</summary>
    public ImmutableArray<string> Notices { get; init; } = [];

    /// <summary>Whether the kernel tells of new VMs at once; null where it isn't asked, as with <c>--once</c>.</summary>
    public EventSource? Events { get; init; }

    /// <summary>The node's CPUs.</summary>
    public required TopologyStatus Topology { get; init; }

    /// <summary>The kubelet's CPU manager.</summary>
    public required CpuManagerStatus CpuManager { get; init; }

    /// <summary>What the API server's facts are worth; null outside a cluster.</summary>
    public ClusterStatus? Cluster { get; init; }

    /// <summary>The node's labels that say that the CPU manager runs; none outside a cluster.</summary>
    public IReadOnlyDictionary<string, LabelStatus> Labels { get; init; } =
        ImmutableSortedDictionary<string, LabelStatus>.Empty;

    /// <summary>The VMs in ascending order of their process ids.</summary>
    public required ImmutableArray<VmStatus> Vms { get; init; }

    /// <summary>Who disturbs dedicated VMs, or may: reported, and not mended.</summary>
    public ImmutableArray<Violation> Violations { get; init; } = [];

    /// <summary>What was repaired since the agent started.</summary>
    public required DriftStatus Drift { get; init; }

    /// <summary>What the waits of the vCPUs are of; only there for whoever asks, and from the second sample on.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public WaitsStatus? Waits { get; init; }

    /// <summary>How much room there is for more VMs; null until that is known.</summary>
    public NodeCapacityStatus? Capacity { get; init; }

    /// <summary>The status as JSON, indented for people.</summary>
    public string ToJson() => JsonSerializer.Serialize(this, ReportJsonContext.Readable.NodeStatus);
}

/// <summary>What the API server's facts are worth.</summary>
/// <param name="State">Whether everything is told.</param>
/// <param name="Since">Since when something isn't; null unless that is so.</param>
internal sealed record ClusterStatus(SyncState State, DateTimeOffset? Since);

/// <summary>What the passes have put right.</summary>
/// <param name="Repairs">Threads whose mask or priority was put right since the agent started.</param>
internal sealed record DriftStatus(long Repairs);

/// <summary>The CPU manager.</summary>
/// <param name="State">Whether it gives out exclusive CPUs.</param>
/// <param name="SharedPool">The CPUs of everybody else; null if unknown.</param>
/// <param name="Evidence">What was looked at and found.</param>
internal sealed record CpuManagerStatus(
    CpuManagerState State,
    CpuSet? SharedPool,
    IReadOnlyList<string> Evidence
)
{
    /// <summary>The status of an observation.</summary>
    public static CpuManagerStatus Of(CpuManagerObservation observation) =>
        new(observation.State, observation.SharedPool, observation.Evidence);
}
