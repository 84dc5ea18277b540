using System.Globalization;
using System.Text.RegularExpressions;
using PinAgent.HostTests.Harness;

namespace PinAgent.HostTests.Hostile;

/// <summary>What the DaemonSet of <c>deploy/base</c> grants the agent, or that of <c>deploy/overlays/ebpf</c>.</summary>
/// <param name="MemoryBytes">The memory limit.</param>
/// <param name="GcHeapHardLimit">The runtime's own limit, as the runtime reads it.</param>
/// <param name="CpuShares">The weight that the kubelet makes of the CPU request. There's no limit of CPU time.</param>
/// <param name="Capabilities">The only capabilities it has, as <c>setpriv</c> takes them.</param>
internal sealed partial record ManifestLimits(
    long MemoryBytes,
    string GcHeapHardLimit,
    long CpuShares,
    string Capabilities
)
{
    private const int SharesOfOneCpu = 1024;

    /// <summary>Whether the kernel may be asked who sets masks.</summary>
    public bool HasEbpf { get; private init; }

    /// <summary>With the rights of the overlay, whose limits are the base's.</summary>
    public static ManifestLimits ReadEbpf() =>
        Read() with
        {
            HasEbpf = true,
            Capabilities = CapabilitiesOf("deploy/overlays/ebpf/kustomization.yaml"),
        };

    public static ManifestLimits Read()
    {
        const string Base = "deploy/base/daemonset.yaml";
        var manifest = File.ReadAllText(Paths.InRepository(Base));
        return new ManifestLimits(
            Number(MemoryLimit().Match(manifest)) << 20,
            Text(HeapLimit().Match(manifest)),
            Number(CpuRequest().Match(manifest)) * SharesOfOneCpu / 1000,
            CapabilitiesOf(Base)
        );
    }

    private static string CapabilitiesOf(string path) =>
        string.Join(
            ',',
            Text(Added().Match(File.ReadAllText(Paths.InRepository(path))))
                .Split(", ")
                .Select(capability => $"+{capability.ToLowerInvariant()}")
                .Prepend("-all")
        );

    private static long Number(Match match) =>
        long.Parse(Text(match), CultureInfo.InvariantCulture);

    private static string Text(Match match) =>
        match.Success
            ? match.Groups["value"].Value
            : throw new InvalidDataException(
                "The limits in deploy/base/daemonset.yaml, or the capabilities of the overlay, aren't where they were."
            );

    // A limit of CPU time would stand before the memory's, or after it.
    [GeneratedRegex(@"limits:\s+memory: (?<value>\d+)Mi\s+\w+Probe:", RegexOptions.NonBacktracking)]
    private static partial Regex MemoryLimit();

    [GeneratedRegex(@"requests:\s+cpu: (?<value>\d+)m\s", RegexOptions.NonBacktracking)]
    private static partial Regex CpuRequest();

    [GeneratedRegex(
        "name: DOTNET_GCHeapHardLimit\\s+value: \"(?<value>[0-9A-Fa-f]+)\"",
        RegexOptions.NonBacktracking
    )]
    private static partial Regex HeapLimit();

    [GeneratedRegex(@"add: \[(?<value>[A-Z_, ]+)\]", RegexOptions.NonBacktracking)]
    private static partial Regex Added();
}
