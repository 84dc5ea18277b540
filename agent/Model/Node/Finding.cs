using System.Text.Json.Serialization;

namespace PinAgent.Model.Node;

/// <summary>How a check came out.</summary>
public enum FindingLevel
{
    /// <summary>As it should be.</summary>
    [JsonStringEnumMemberName("ok")]
    Ok,

    /// <summary>A feature is missing, or it can't be told.</summary>
    [JsonStringEnumMemberName("warning")]
    Warning,

    /// <summary>Pinning itself doesn't work.</summary>
    [JsonStringEnumMemberName("problem")]
    Problem,
}

/// <summary>What one check of <c>pinagent doctor</c> has found.</summary>
/// <param name="Check">What was looked at, in a few words.</param>
/// <param name="Level">How it came out.</param>
/// <param name="Found">What is there.</param>
/// <param name="Loses">What doesn't work because of it; null if nothing.</param>
/// <param name="Action">What an administrator can do; null if nothing has to be done.</param>
internal sealed record Finding(
    string Check,
    FindingLevel Level,
    string Found,
    string? Loses = null,
    string? Action = null
)
{
    /// <summary>A check that found everything as it should be.</summary>
    public static Finding Ok(string check, string found) => new(check, FindingLevel.Ok, found);
}
