using System.Collections.Immutable;
using PinAgent.Model.Kubernetes;

namespace PinAgent.Report.Doctor;

/// <summary>Rights on one resource, and what doesn't work without them.</summary>
/// <param name="Group">The API group; empty for the core.</param>
/// <param name="Resource">The resource, in the plural.</param>
/// <param name="Name">The one object; null for all.</param>
/// <param name="Verbs">What is done with it.</param>
/// <param name="Loses">What doesn't work without them.</param>
internal sealed record ClusterRights(
    string Group,
    string Resource,
    string? Name,
    ImmutableArray<string> Verbs,
    string Loses
)
{
    private static readonly ImmutableArray<string> Read = ["get", "list", "watch"];

    /// <summary>Those of <c>deploy/base/rbac.yaml</c>.</summary>
    public static ImmutableArray<ClusterRights> All { get; } =
    [
        new("", "pods", null, Read, "VMs of this node aren't found, so none is pinned"),
        new(
            "kubevirt.io",
            "virtualmachineinstances",
            null,
            Read,
            "which VMs are dedicated isn't told: none is begun that wasn't known before"
        ),
        new("kubevirt.io", "kubevirts", null, Read, "feature gates of the KubeVirt object"),
        new("", "configmaps", "kubevirt-config", Read, "feature gates of older KubeVirts"),
        new("", "nodes", null, [.. Read, "patch"], "node labels, and the node's mode annotation"),
        new("events.k8s.io", "events", null, ["create", "patch"], "events on VMs and pods"),
    ];

    /// <summary>The rights one by one.</summary>
    public IEnumerable<AccessRight> Each =>
        Verbs.Select(verb => new AccessRight(Group, Resource, verb, Name));
}
