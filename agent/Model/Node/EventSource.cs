using System.Text.Json.Serialization;

namespace PinAgent.Model.Node;

/// <summary>How the agent learns of new threads.</summary>
/// <param name="State">Whether the kernel tells.</param>
/// <param name="Message">Why it doesn't; null if it does.</param>
internal sealed record EventSource(EventSourceState State, string? Message)
{
    /// <summary>How often the kernel had more to tell than it could keep, since the agent's start.</summary>
    public long Overflows { get; init; }
}

/// <summary>Whether the kernel tells of new threads.</summary>
internal enum EventSourceState
{
    /// <summary>It tells at once: process connector.</summary>
    [JsonStringEnumMemberName("listening")]
    Listening,

    /// <summary>The agent looks, once per period.</summary>
    [JsonStringEnumMemberName("scanning")]
    Scanning,
}
