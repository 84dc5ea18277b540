using System.Text.Json.Serialization;

namespace PinAgent.Model.Node;

/// <summary>How far an annotation <c>pinagent.dev/mode</c> lowers the agent's mode.</summary>
public enum ModeLimit
{
    /// <summary>Not at all.</summary>
    [JsonStringEnumMemberName("none")]
    None,

    /// <summary>Only report.</summary>
    [JsonStringEnumMemberName("audit")]
    Audit,

    /// <summary>Want nothing.</summary>
    [JsonStringEnumMemberName("off")]
    Off,
}
