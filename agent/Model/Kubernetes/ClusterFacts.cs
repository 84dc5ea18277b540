using System.Collections.Immutable;
using System.Text.Json.Serialization;

namespace PinAgent.Model.Kubernetes;

/// <summary>What the API server has told of this node, as one consistent value.</summary>
internal sealed record ClusterFacts
{
    /// <summary>Before the first answers.</summary>
    public static ClusterFacts Connecting { get; } = new();

    /// <summary>This node's name.</summary>
    public string Node { get; init; } = "";

    /// <summary>Whether this is the present, the past, or nothing at all.</summary>
    public ClusterSync Sync { get; init; } = new(SyncState.Connecting, null);

    /// <summary>This node's pods by their uid.</summary>
    public ImmutableDictionary<string, PodFacts> Pods { get; init; } =
        ImmutableDictionary<string, PodFacts>.Empty;

    /// <summary>The VMIs of this node, migrating ones included, by their uid.</summary>
    public ImmutableDictionary<string, VmiFacts> Vmis { get; init; } =
        ImmutableDictionary<string, VmiFacts>.Empty;

    /// <summary>The launcher pods whose VMI was asked for and isn't known, by uid, with the reason.</summary>
    public ImmutableDictionary<string, string> Unfound { get; init; } =
        ImmutableDictionary<string, string>.Empty;

    /// <summary>Why VMIs aren't known at all; null if they are.</summary>
    public string? VmiProblem { get; init; }

    /// <summary>The node's annotation <c>pinagent.dev/mode</c>.</summary>
    public string? NodeMode { get; init; }

    /// <summary>The node's labels; null if they aren't known.</summary>
    public NodeLabels? NodeLabels { get; init; }

    /// <summary>What pods may request of the node; null if that isn't known.</summary>
    public NodeAllocatable? Allocatable { get; init; }

    /// <summary>KubeVirt's feature gate <c>CPUManager</c>.</summary>
    public FeatureGate CpuManagerGate { get; init; }

    /// <summary>KubeVirt's feature gate <c>Sidecar</c>.</summary>
    public FeatureGate SidecarGate { get; init; }

    /// <summary>KubeVirt's feature gate <c>ImageVolume</c>; unknown where nothing turns it on or off.</summary>
    public FeatureGate ImageVolumeGate { get; init; }

    /// <summary>What the KubeVirt objects say of the containers beside a VM.</summary>
    public ImmutableArray<SupportContainer> SupportContainers { get; init; } = [];

    /// <summary>What an administrator should know: what isn't answered, what was passed over.</summary>
    public ImmutableArray<string> Notices { get; init; } = [];

    /// <summary>A pod's VMI; null if it isn't known.</summary>
    public VmiFacts? FindVmi(PodFacts pod) =>
        pod.VmiUid is { } uid ? Vmis.GetValueOrDefault(uid) : null;
}

/// <summary>How current the facts are.</summary>
/// <param name="Since">Since when they are out of date; null unless they are.</param>
internal sealed record ClusterSync(SyncState State, DateTimeOffset? Since);

/// <summary>How current the API server's facts are.</summary>
internal enum SyncState
{
    /// <summary>The agent has only just started and waits for the first answers.</summary>
    [JsonStringEnumMemberName("connecting")]
    Connecting,

    /// <summary>The API server hasn't told everything since the agent started.</summary>
    [JsonStringEnumMemberName("neverSynced")]
    NeverSynced,

    /// <summary>Everything is told and being watched.</summary>
    [JsonStringEnumMemberName("synced")]
    Synced,

    /// <summary>Everything was told once; since then something isn't being watched.</summary>
    [JsonStringEnumMemberName("stale")]
    Stale,
}
