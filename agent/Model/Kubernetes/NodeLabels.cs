using System.Collections.Immutable;
using PinAgent.Model.Text;

namespace PinAgent.Model.Kubernetes;

/// <summary>Who sets the labels.</summary>
public enum LabelMode
{
    /// <summary>PinAgent does, unless virt-handler is alive on this node.</summary>
    Auto,

    /// <summary>PinAgent does.</summary>
    Manage,

    /// <summary>Others do; PinAgent says where they are wrong.</summary>
    Observe,
}

/// <summary>What the administrator has told about the labels.</summary>
internal sealed record LabelSettings(LabelMode Mode, ImmutableArray<string> Keys)
{
    /// <summary>KubeVirt's schedulers use the first up to 1.7, the second since 1.8 (kubevirt#14892).</summary>
    public static ImmutableArray<string> DefaultKeys { get; } =
    ["cpumanager", "kubevirt.io/cpumanager"];
}

/// <summary>A node as far as its labels go.</summary>
/// <param name="Owners">Who has set which of them.</param>
/// <param name="Heartbeat">When virt-handler was last alive; null if it never was.</param>
internal sealed record NodeLabels(
    string Uid,
    ValueList<NodeLabel> Labels,
    ValueList<LabelOwner> Owners,
    DateTimeOffset? Heartbeat
)
{
    /// <summary>virt-handler's heartbeats come every 1 to 2 minutes (its <c>heartbeat.go</c>).</summary>
    public static readonly TimeSpan HeartbeatLimit = TimeSpan.FromMinutes(5);

    /// <summary>The label's value; null if there's no such label.</summary>
    public string? Find(string key) => Labels.FirstOrDefault(label => label.Key == key).Value;

    /// <summary>Whether virt-handler is alive. A heartbeat from the future counts, as far as clocks differ.</summary>
    public bool HasLiveHandler(DateTimeOffset now) =>
        Heartbeat is { } heartbeat && (now - heartbeat).Duration() < HeartbeatLimit;
}

/// <summary>A label.</summary>
internal readonly record struct NodeLabel(string Key, string Value);

/// <summary>An entry of <c>metadata.managedFields</c>.</summary>
/// <param name="IsApplied">Whether by server-side apply; another entry of the same name is another owner.</param>
internal sealed record LabelOwner(string Manager, bool IsApplied, ValueList<string> Keys);
