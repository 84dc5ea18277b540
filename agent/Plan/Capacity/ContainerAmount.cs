using PinAgent.Model.Kubernetes;

namespace PinAgent.Plan.Capacity;

/// <summary>What a container beside a dedicated VM requests.</summary>
/// <param name="Cpu">Of CPUs.</param>
/// <param name="Memory">Of memory.</param>
internal sealed record ContainerAmount(Quantity Cpu, Quantity Memory)
{
    /// <summary>KubeVirt's kind for hook sidecars.</summary>
    public const string Sidecar = "sidecar";

    /// <summary>KubeVirt's kind for container disks.</summary>
    public const string ContainerDisk = "container-disk";

    /// <summary>KubeVirt's default for hook sidecars; newer ones give container disks less.</summary>
    public static ContainerAmount Default { get; } =
        new(Quantity.Parse("200m"), Quantity.Parse("64M"));

    /// <summary>What the cluster says of a kind, else the default.</summary>
    /// <param name="cluster">The cluster; null if there is none.</param>
    /// <param name="type">The kind.</param>
    public static ContainerAmount Of(ClusterFacts? cluster, string type)
    {
        var told = cluster?.SupportContainers.FirstOrDefault(one => one.Type == type);
        return new(told?.Cpu ?? Default.Cpu, told?.Memory ?? Default.Memory);
    }
}
