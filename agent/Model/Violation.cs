using System.Text.Json.Serialization;

namespace PinAgent.Model;

/// <summary>A promise to a dedicated VM that somebody has broken: reported, never mended.</summary>
/// <param name="Kind">What kind.</param>
/// <param name="Cpus">The CPUs concerned.</param>
/// <param name="Message">The sentence.</param>
public sealed record Violation(ViolationKind Kind, string Cpus, string Message);

/// <summary>The promises that can be broken.</summary>
public enum ViolationKind
{
    /// <summary>CPUs are in the cpusets of several dedicated VMs.</summary>
    [JsonStringEnumMemberName("overlap")]
    Overlap,

    /// <summary>A vCPU's core has another CPU that belongs to another dedicated VM.</summary>
    [JsonStringEnumMemberName("sibling")]
    Sibling,
}
