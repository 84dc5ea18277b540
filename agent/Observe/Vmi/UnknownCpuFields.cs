using System.Collections.Immutable;
using PinAgent.Kubernetes.Objects;
using PinAgent.Model.Text;

namespace PinAgent.Observe.Vmi;

/// <summary>
/// Fields about CPUs that KubeVirt doesn't know, and the likely one that was meant. The API server drops them, with a
/// warning only to who asks for it, and the VM runs without.
/// </summary>
/// <remarks>Source: KubeVirt, <c>staging/src/kubevirt.io/api/core/v1/schema.go</c> and <c>instancetype/v1beta1/types.go</c>.</remarks>
internal static class UnknownCpuFields
{
    private const string Dedicated = "dedicatedCpuPlacement";
    private const int Most = 8;
    private const int LongestCompared = 64;

    private static readonly ImmutableArray<string> OfCpu =
    [
        Dedicated,
        "isolateEmulatorThread",
        "sockets",
        "cores",
        "threads",
        "maxSockets",
        "model",
        "features",
        "numa",
        "realtime",
    ];

    private static readonly ImmutableArray<string> OfInstancetypeCpu =
    [
        "guest",
        "dedicatedCPUPlacement",
        "isolateEmulatorThread",
        "maxSockets",
        "model",
        "numa",
        "realtime",
    ];

    private static readonly ImmutableArray<string> OfNuma = ["guestMappingPassthrough"];
    private static readonly ImmutableArray<string> OfRealtime = ["mask"];

    /// <summary>Names those of a VMI.</summary>
    /// <param name="isDedicated">Whether it asks for dedicated CPUs all the same.</param>
    public static IEnumerable<string> OfVmi(Section spec, bool isDedicated)
    {
        var domain = spec["domain"];
        var unknown = Under(domain["cpu"], OfCpu)
            .Concat(Misplaced(spec))
            .Concat(Misplaced(domain))
            .Select(one =>
                one.Likely == Dedicated && !isDedicated
                    ? $"{one.Text}: no dedicated CPUs are asked for"
                    : one.Text
            );
        return Shorten(unknown);
    }

    /// <summary>Names those of an instancetype.</summary>
    public static IEnumerable<string> OfInstancetype(Section spec) =>
        Shorten(Under(spec["cpu"], OfInstancetypeCpu).Select(one => one.Text));

    private static IEnumerable<Unknown> Under(Section cpu, ImmutableArray<string> known) =>
        In(cpu, known).Concat(In(cpu["numa"], OfNuma)).Concat(In(cpu["realtime"], OfRealtime));

    private static IEnumerable<Unknown> In(Section section, ImmutableArray<string> known) =>
        section
            .Names.Where(name => !known.Contains(name))
            .Select(name =>
            {
                var likely = Likely(name, known);
                return new Unknown(
                    likely,
                    $"{section.Path}: KubeVirt knows no field {Words.Quote(name)}, so it's dropped"
                        + (likely is null ? "" : $"; {likely} is likely meant")
                );
            });

    // A field of domain.cpu that was put one or two levels too high.
    private static IEnumerable<Unknown> Misplaced(Section section) =>
        section
            .Names.Select(name =>
                OfCpu.FirstOrDefault(one => one.Equals(name, StringComparison.OrdinalIgnoreCase))
            )
            .OfType<string>()
            .Select(name => new Unknown(
                name,
                $"{section.Path}: KubeVirt knows no field {name} here, so it's dropped; it belongs into domain.cpu"
            ));

    private static IEnumerable<string> Shorten(IEnumerable<string> unknown)
    {
        var all = unknown.ToList();
        return all.Count <= Most
            ? all
            : [.. all.Take(Most), $"{all.Count - Most} more fields that KubeVirt doesn't know"];
    }

    private static string? Likely(string name, ImmutableArray<string> known)
    {
        if (name.Length > LongestCompared)
        {
            return null;
        }

        var (field, distance) = known
            .Select(field => (field, Distance(name.ToUpperInvariant(), field.ToUpperInvariant())))
            .MinBy(pair => pair.Item2);
        return distance <= Math.Max(1, field.Length / 4) ? field : null;
    }

    // Levenshtein's: how many letters are to be put in, taken out or replaced.
    private static int Distance(string left, string right)
    {
        var above = Enumerable.Range(0, right.Length + 1).ToArray();
        for (var i = 1; i <= left.Length; i++)
        {
            var row = new int[right.Length + 1];
            row[0] = i;
            for (var j = 1; j <= right.Length; j++)
            {
                row[j] = Math.Min(
                    Math.Min(row[j - 1], above[j]) + 1,
                    above[j - 1] + (left[i - 1] == right[j - 1] ? 0 : 1)
                );
            }

            above = row;
        }

        return above[^1];
    }

    private sealed record Unknown(string? Likely, string Text);
}
