using System.Text.Json.Serialization;
using PinAgent.Model.Cpu;

namespace PinAgent.Model.Node;

/// <summary>Somebody disturbs a dedicated VM, or may, on CPUs that should be its own: reported, never mended.</summary>
/// <param name="Kind">What kind.</param>
/// <param name="Cpus">The CPUs concerned.</param>
/// <param name="Message">The sentence.</param>
internal sealed record Violation(ViolationKind Kind, CpuSet Cpus, string Message)
{
    /// <summary>How bad it is.</summary>
    public Severity Severity { get; init; } = SeverityOf(Kind);

    /// <summary>Who disturbs, or may: <c>backup (pid 812, 3 threads)</c>, <c>host/builder (pid 4200)</c>; null where that's nobody.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? By { get; init; }

    // A VM that has its CPUs, and may lose some time there to others, is only disturbed.
    private static Severity SeverityOf(ViolationKind kind) =>
        kind
            is ViolationKind.Stranger
                or ViolationKind.Helper
                or ViolationKind.Confined
                or ViolationKind.Emulator
                or ViolationKind.Interrupts
            ? Severity.Disturbing
            : Severity.Broken;
}

/// <summary>How bad it is.</summary>
public enum Severity
{
    /// <summary>As on every machine that isolates no CPUs: whether it disturbs, the waits of the vCPUs say.</summary>
    [JsonStringEnumMemberName("possible")]
    Possible,

    /// <summary>The VM has its CPUs, and may lose some time there.</summary>
    [JsonStringEnumMemberName("disturbing")]
    Disturbing,

    /// <summary>The VM doesn't have CPUs to itself.</summary>
    [JsonStringEnumMemberName("broken")]
    Broken,
}

/// <summary>How somebody may disturb a dedicated VM.</summary>
public enum ViolationKind
{
    /// <summary>CPUs are in the cpusets of several dedicated VMs.</summary>
    [JsonStringEnumMemberName("overlap")]
    Overlap,

    /// <summary>A vCPU's core has another CPU that belongs to another dedicated VM.</summary>
    [JsonStringEnumMemberName("sibling")]
    Sibling,

    /// <summary>Processes outside a VM may run on its vCPUs' CPUs.</summary>
    [JsonStringEnumMemberName("stranger")]
    Stranger,

    /// <summary>Threads of a VM with an isolated emulator may run on its vCPUs' CPUs, and can't be moved.</summary>
    [JsonStringEnumMemberName("helper")]
    Helper,

    /// <summary>A cgroup of their own keeps I/O threads from the CPUs that they should have.</summary>
    [JsonStringEnumMemberName("confined")]
    Confined,

    /// <summary>The CPU limit of a dedicated VM's container has held it back.</summary>
    [JsonStringEnumMemberName("throttled")]
    Throttled,

    /// <summary>A VM's cgroup, the kubelet's PodResources API and its checkpoint tell different exclusive CPUs.</summary>
    [JsonStringEnumMemberName("disagreement")]
    Disagreement,

    /// <summary>Devices interrupt vCPUs' CPUs.</summary>
    [JsonStringEnumMemberName("interrupts")]
    Interrupts,

    /// <summary>A VM that isn't pinned may run on CPUs that the kernel doesn't balance.</summary>
    [JsonStringEnumMemberName("isolated")]
    Isolated,

    /// <summary>The CPU manager's checkpoint says of a CPU that it is shared and exclusive, or two pods'.</summary>
    [JsonStringEnumMemberName("checkpoint")]
    Checkpoint,

    /// <summary>The emulator of a VM had CPUs of its own and runs on its vCPUs' now.</summary>
    [JsonStringEnumMemberName("emulator")]
    Emulator,
}
