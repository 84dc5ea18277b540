using PinAgent.Model.Kubernetes;

namespace PinAgent.Plan.Capacity;

/// <summary>What a container beside a dedicated VM requests.</summary>
/// <remarks>
/// Source: KubeVirt, <c>pkg/virt-controller/services/renderresources.go</c> and <c>serialconsolelog.go</c>,
/// <c>pkg/container-disk/container-disk.go</c>: a dedicated VM's containers request their limits.
/// </remarks>
internal sealed record ContainerAmount(Quantity Cpu, Quantity Memory)
{
    /// <summary>KubeVirt's kind for hook sidecars.</summary>
    public const string Sidecar = "sidecar";

    /// <summary>KubeVirt's kind for container disks.</summary>
    public const string ContainerDisk = "container-disk";

    /// <summary>KubeVirt's kind for the container that copies the serial console into the pod's log.</summary>
    public const string ConsoleLog = "guest-console-log";

    /// <summary>KubeVirt's default for hook sidecars.</summary>
    public static ContainerAmount DefaultSidecar { get; } =
        new(Quantity.Parse("200m"), Quantity.Parse("64M"));

    /// <summary>KubeVirt's default for container disks, since 0.59.</summary>
    public static ContainerAmount DefaultContainerDisk { get; } =
        new(Quantity.Parse("10m"), Quantity.Parse("40M"));

    /// <summary>KubeVirt's default for the console's log.</summary>
    public static ContainerAmount DefaultConsoleLog { get; } =
        new(Quantity.Parse("15m"), Quantity.Parse("60M"));

    /// <summary>What the cluster says of a kind, else KubeVirt's default.</summary>
    /// <param name="cluster">The cluster; null if there is none.</param>
    public static ContainerAmount Of(ClusterFacts? cluster, string type)
    {
        var told = cluster?.SupportContainers.FirstOrDefault(one => one.Type == type);
        var usual = type switch
        {
            ContainerDisk => DefaultContainerDisk,
            ConsoleLog => DefaultConsoleLog,
            _ => DefaultSidecar,
        };
        return new(told?.Cpu ?? usual.Cpu, told?.Memory ?? usual.Memory);
    }
}
