using PinAgent.Model.Cpu;
using PinAgent.Model.Kubernetes;
using PinAgent.Model.Node;

namespace PinAgent.Plan.Dedication;

/// <summary>
/// Whether those who should know a container's CPUs agree: its cgroup, the kubelet's PodResources API and the CPU
/// manager's checkpoint. A disagreement changes nothing: what the cgroup has is what the kernel enforces. It's shown once it
/// lasts (<see cref="Disagreements"/>). Pure.
/// </summary>
internal static class CpuCrossCheck
{
    /// <summary>Who tells what; null if they agree.</summary>
    public static string? Of(DedicationVerdict verdict, NodeSnapshot snapshot)
    {
        if (verdict.Vm is not { Cgroup: { PodUid: { } uid } cgroup, Cpuset: { } cpuset })
        {
            return null;
        }

        var pod = snapshot.Cluster?.Pods.GetValueOrDefault(uid);
        var container =
            pod?.Containers.FirstOrDefault(found => found.Id == cgroup.ContainerId)?.Name
            ?? "compute";
        var pool = snapshot.CpuManager.SharedPool;
        var told = pod is null
            ? null
            : Told(snapshot.PodResources, new(pod.Namespace, pod.Name, container));
        var written = Written(snapshot.CpuManager.Checkpoint, uid, container, cgroup.ContainerId);
        var known = new[] { told, written }.OfType<CpuSet>().Select(Exclusive).ToList();
        var isShared = !verdict.Dedicated && known.TrueForAll(cpus => cpus.IsEmpty);
        return isShared || known.TrueForAll(cpus => cpus.Equals(Exclusive(cpuset)))
            ? null
            : $"cgroup {cpuset}, PodResources API {Words(told)}, checkpoint {Words(written)}";

        // Kubelets before 1.23 tell the pool where there are none.
        CpuSet Exclusive(CpuSet cpus) => cpus.Equals(pool) ? CpuSet.Empty : cpus;
    }

    // Where it gives out no CPUs at all, none for a container means nothing; a DRA driver's aren't among them.
    private static CpuSet? Told(PodResources? resources, ContainerName name) =>
        resources is { Allocatable.IsEmpty: false }
            ? resources.Containers.GetValueOrDefault(name)
            : null;

    private static CpuSet? Written(
        CpuManagerCheckpoint? checkpoint,
        string podUid,
        string container,
        string? containerId
    )
    {
        if (checkpoint is not { IsStatic: true })
        {
            return null;
        }

        var entries = checkpoint.Entries;
        var ofPod = entries.Where(entry => entry.PodUid == podUid).ToList();
        var own =
            ofPod.Find(entry => entry.Container == container)
            ?? entries.FirstOrDefault(entry =>
                entry.PodUid is null && entry.Container == containerId
            );

        // Of CPUs that a pod has as a whole, it isn't written which are this container's.
        return own?.Cpus ?? (ofPod.Exists(entry => entry.Container is null) ? null : CpuSet.Empty);
    }

    private static string Words(CpuSet? cpus) =>
        cpus is null ? "unknown"
        : cpus.IsEmpty ? "none"
        : cpus.ToString();
}
