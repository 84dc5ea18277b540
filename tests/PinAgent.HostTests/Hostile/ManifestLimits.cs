using System.Globalization;
using System.Text.RegularExpressions;
using PinAgent.HostTests.Harness;

namespace PinAgent.HostTests.Hostile;

/// <summary>What the DaemonSet of <c>deploy/base</c> grants the agent.</summary>
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

    public static ManifestLimits Read()
    {
        var manifest = File.ReadAllText(Paths.InRepository("deploy/base/daemonset.yaml"));
        return new ManifestLimits(
            Number(MemoryLimit().Match(manifest)) << 20,
            Text(HeapLimit().Match(manifest)),
            Number(CpuRequest().Match(manifest)) * SharesOfOneCpu / 1000,
            string.Join(
                ',',
                Text(Added().Match(manifest))
                    .Split(", ")
                    .Select(capability => $"+{capability.ToLowerInvariant()}")
                    .Prepend("-all")
            )
        );
    }

    private static long Number(Match match) =>
        long.Parse(Text(match), CultureInfo.InvariantCulture);

    private static string Text(Match match) =>
        match.Success
            ? match.Groups["value"].Value
            : throw new InvalidDataException(
                "The limits in deploy/base/daemonset.yaml aren't where they were."
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
