using PinAgent.Model.Text;

namespace PinAgent.Model.Kubernetes;

/// <summary>What a pod of this node says. Only these fields are kept.</summary>
internal sealed record PodFacts(string Uid, string Namespace, string Name)
{
    /// <summary>Whether it runs a VM: label <c>kubevirt.io</c> is <c>virt-launcher</c>.</summary>
    public bool IsLauncher { get; init; }

    /// <summary>The uid of its VMI: the owner's, else label <c>kubevirt.io/created-by</c>; null if it has none.</summary>
    public string? VmiUid { get; init; }

    /// <summary>The name of its VMI, by the owner reference; null if it has none.</summary>
    public string? VmiName { get; init; }

    /// <summary>
    /// Whether the nodeSelector asks for a node with the CPU manager: virt-controller writes that for dedicated VMIs
    /// only.
    /// </summary>
    public bool AsksForCpuManager { get; init; }

    /// <summary>Annotation <c>pinagent.dev/mode</c>.</summary>
    public string? Mode { get; init; }

    /// <summary>Annotation <c>pinagent.dev/placement</c>.</summary>
    public string? Placement { get; init; }

    /// <summary>Whether it's being deleted.</summary>
    public bool IsDeleting { get; init; }

    /// <summary>Whether its containers have ended for good.</summary>
    public bool IsFinished { get; init; }

    /// <summary>The containers, init containers first.</summary>
    public ValueList<PodContainer> Containers { get; init; }

    /// <summary><c>overhead.cpu</c>: what the pod takes beside its containers.</summary>
    public Quantity? CpuOverhead { get; init; }

    /// <summary><c>overhead.memory</c>.</summary>
    public Quantity? MemoryOverhead { get; init; }

    /// <summary>Why nothing but the name is known of it; null if it could be read.</summary>
    public string? Problem { get; init; }

    /// <summary>The container in which QEMU runs; null in other pods.</summary>
    public PodContainer? Compute =>
        Containers.FirstOrDefault(container => container.Name == "compute");

    /// <summary>Whether that container has been made.</summary>
    public bool HasComputeContainer => Compute?.Id is not null;
}
