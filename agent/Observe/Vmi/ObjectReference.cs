using PinAgent.Kubernetes.Objects;

namespace PinAgent.Observe.Vmi;

/// <summary>What a VM names as its instancetype or preference.</summary>
/// <param name="Kind">The kind, as it's written: KubeVirt doesn't look at its case.</param>
/// <param name="Name">The name; null where it comes from a volume.</param>
/// <param name="IsStoredRevision">Whether a stored revision of it counts, and not the object itself.</param>
internal sealed record ObjectReference(string Kind, string? Name, bool IsStoredRevision)
{
    /// <summary>Reads a reference; null if there is none.</summary>
    /// <param name="section">Where it is; null where there can't be one.</param>
    /// <param name="defaultKind">The kind if it doesn't say.</param>
    public static ObjectReference? Read(Section? section, string defaultKind) =>
        section is { Exists: true } matcher
            ? new(
                matcher.Text("kind") ?? defaultKind,
                matcher.Text("name"),
                matcher.Text("revisionName") is not null
            )
            : null;

    /// <summary>Whether it names an object of a file. Where either doesn't say its namespace, the names decide.</summary>
    public bool Names(VmiDocument document, string? ownNamespace) =>
        !IsStoredRevision
        && Name is not null
        && document.Name == Name
        && document.Kind is { } kind
        && IsKind(kind)
        && (
            kind.Contains("Cluster", StringComparison.Ordinal)
            || ownNamespace is null
            || document.Namespace is null
            || document.Namespace == ownNamespace
        );

    // virtualmachineinstancetypes is as good as VirtualMachineInstancetype.
    private bool IsKind(string kind) =>
        Kind.Equals(kind, StringComparison.OrdinalIgnoreCase)
        || Kind.Equals(kind + "s", StringComparison.OrdinalIgnoreCase);
}
