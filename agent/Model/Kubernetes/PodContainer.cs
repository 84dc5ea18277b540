namespace PinAgent.Model.Kubernetes;

/// <summary>A container of a pod: what it requests, and may have at most. Ephemeral containers have neither.</summary>
/// <param name="IsInit">Whether it is an init container.</param>
internal sealed record PodContainer(string Name, bool IsInit = false)
{
    /// <summary>The container's id without the runtime's name; null until it has been made.</summary>
    public string? Id { get; init; }

    /// <summary>Whether it is an init container that goes on running beside the others: <c>restartPolicy: Always</c>.</summary>
    public bool IsSidecar { get; init; }

    /// <summary><c>resources.requests.cpu</c>.</summary>
    public Quantity? CpuRequest { get; init; }

    /// <summary><c>resources.limits.cpu</c>.</summary>
    public Quantity? CpuLimit { get; init; }

    /// <summary><c>resources.requests.memory</c>.</summary>
    public Quantity? MemoryRequest { get; init; }

    /// <summary><c>resources.limits.memory</c>.</summary>
    public Quantity? MemoryLimit { get; init; }
}
