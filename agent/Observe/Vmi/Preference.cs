using System.Collections.Immutable;
using PinAgent.Kubernetes.Objects;
using PinAgent.Model.Kubernetes;

namespace PinAgent.Observe.Vmi;

/// <summary>What a preference says of how an instancetype's vCPUs are shown to the guest.</summary>
/// <param name="Topology"><c>sockets</c> if it doesn't say; older ones write <c>preferSockets</c>.</param>
/// <param name="Across">What <c>spread</c> spreads across.</param>
/// <param name="Ratio">How many of the smaller go into one of the larger.</param>
/// <param name="Architecture">The VM's architecture, where it names none itself.</param>
/// <remarks>
/// Source: KubeVirt, <c>pkg/instancetype/apply/cpu.go</c> (<c>applyGuestCPUTopology</c>) and
/// <c>pkg/instancetype/preference/apply</c>.
/// </remarks>
internal sealed record Preference(
    string? Topology,
    string? Across,
    uint Ratio,
    string? Architecture
)
{
    /// <summary>The kind of a VM's reference that doesn't say.</summary>
    public const string DefaultKind = "VirtualMachineClusterPreference";

    private const uint DefaultRatio = 2;

    /// <summary>What holds without a preference.</summary>
    public static Preference None { get; } = new(null, null, DefaultRatio, null);

    /// <summary>Its kinds.</summary>
    public static ImmutableArray<string> Kinds { get; } = ["VirtualMachinePreference", DefaultKind];

    /// <summary>Whether an object is one.</summary>
    public static bool IsOne(string? kind, string? version) =>
        kind is not null
        && Kinds.Contains(kind)
        && (version is null || version.StartsWith(Instancetype.Group, StringComparison.Ordinal));

    /// <summary>Reads one.</summary>
    public static Preference Read(Section root)
    {
        var spec = root["spec"];
        var spread = spec["cpu"]["spreadOptions"];
        var ratio = spread.Has("ratio")
            ? spread.Count("ratio")
            : spec.Count("preferSpreadSocketToCoreRatio");
        return new(
            spec["cpu"].Text("preferredCPUTopology"),
            spread.Text("across"),
            ratio == 0 ? DefaultRatio : ratio,
            spec.Text("preferredArchitecture")
        );
    }

    /// <summary>Shows vCPUs to the guest.</summary>
    public VmiSpec Show(VmiSpec vmi, uint vcpus)
    {
        var one = vmi with { Sockets = 1, Cores = 1, Threads = 1 };
        return (Topology ?? "sockets", Across ?? "SocketsCores") switch
        {
            _ when vcpus == 1 => one,
            ("cores" or "preferCores", _) => one with { Cores = vcpus },
            ("threads" or "preferThreads", _) => one with { Threads = vcpus },
            ("spread" or "preferSpread", "SocketsCores") => one with
            {
                Cores = Ratio,
                Sockets = vcpus / Ratio,
            },
            ("spread" or "preferSpread", "CoresThreads") => one with
            {
                Threads = Ratio,
                Cores = vcpus / Ratio,
            },
            ("spread" or "preferSpread", "SocketsCoresThreads") => one with
            {
                Threads = 2,
                Cores = Ratio,
                Sockets = vcpus / 2 / Ratio,
            },
            ("sockets" or "preferSockets" or "any" or "preferAny", _) => one with
            {
                Sockets = vcpus,
            },

            // KubeVirt leaves it at one.
            _ => one,
        };
    }
}
