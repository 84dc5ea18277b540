using System.Text.Json.Serialization;

namespace PinAgent.Model.Node;

/// <summary>Whether the agent changes masks.</summary>
public enum AgentMode
{
    /// <summary>It sets masks that aren't as wanted.</summary>
    [JsonStringEnumMemberName("enforce")]
    Enforce,

    /// <summary>It reports what it would set.</summary>
    [JsonStringEnumMemberName("audit")]
    Audit,
}
