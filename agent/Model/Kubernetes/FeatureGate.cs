using System.Text.Json.Serialization;

namespace PinAgent.Model.Kubernetes;

/// <summary>How one of KubeVirt's feature gates stands. <c>CPUManager</c> asks for the node's labels.</summary>
public enum FeatureGate
{
    /// <summary>It isn't known yet, or can't be read.</summary>
    [JsonStringEnumMemberName("unknown")]
    Unknown,

    /// <summary>It's off.</summary>
    [JsonStringEnumMemberName("off")]
    Off,

    /// <summary>It's on.</summary>
    [JsonStringEnumMemberName("on")]
    On,
}
