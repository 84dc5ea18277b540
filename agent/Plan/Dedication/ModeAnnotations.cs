using System.Collections.Immutable;
using PinAgent.Model.Kubernetes;
using PinAgent.Model.Node;

namespace PinAgent.Plan.Dedication;

/// <summary>
/// The annotations <c>pinagent.dev/mode</c> on a VM's VMI, pod and node: the strictest counts, and none raises what the
/// agent itself is set to.
/// </summary>
/// <param name="Where">Where the strictest is; null if there is none.</param>
internal sealed record ModeAnnotations(
    ModeLimit Limit,
    string? Where,
    ImmutableArray<string> Advisories
)
{
    private const string Name = "pinagent.dev/mode";

    /// <summary>Reads the three.</summary>
    public static ModeAnnotations Of(VmiFacts? vmi, PodFacts? pod, ClusterFacts facts)
    {
        var all = new[] { (vmi?.Mode, "VMI"), (pod?.Mode, "pod"), (facts.NodeMode, "node") };
        var strictest = all.MaxBy(annotation => Read(annotation.Item1) ?? ModeLimit.None);
        var limit = Read(strictest.Item1) ?? ModeLimit.None;
        return new(
            limit,
            limit == ModeLimit.None ? null : strictest.Item2,
            [
                .. all.Where(annotation => Read(annotation.Item1) is null)
                    .Select(annotation =>
                        $"annotation {Name} on the {annotation.Item2}: expected audit or off, found "
                        + $"\"{Shorten(annotation.Item1!)}\", so it's passed over"
                    ),
            ]
        );
    }

    /// <summary>The limit in words.</summary>
    public string Describe() =>
        $"annotation {Name}={(Limit == ModeLimit.Off ? "off" : "audit")} on the {Where}";

    // "enforce" asks for nothing that isn't so anyway.
    private static ModeLimit? Read(string? value) =>
        value switch
        {
            null or "enforce" => ModeLimit.None,
            "audit" => ModeLimit.Audit,
            "off" => ModeLimit.Off,
            _ => null,
        };

    private static string Shorten(string text) => text.Length <= 20 ? text : text[..20] + "…";
}
