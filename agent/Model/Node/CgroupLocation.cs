namespace PinAgent.Model.Node;

/// <summary>A VM's cgroup: the container's in a pod, the machine's or service's on a plain host.</summary>
/// <param name="Path">The path from the hierarchy's root, without the children below a container.</param>
/// <param name="PodUid">The pod's uid; null outside pods.</param>
/// <param name="ContainerId">The container's id; null outside pods, or when the path ends at the pod.</param>
internal sealed record CgroupLocation(string Path, string? PodUid, string? ContainerId);
