using PinAgent.Model.Cpu;
using PinAgent.Model.Kubernetes;
using PinAgent.Model.Node;
using PinAgent.Model.Vm;
using PinAgent.Plan.Dedication;

namespace PinAgent.Plan.Rivals;

/// <summary>CPUs that a VM's cpuset has and another's too. Pure.</summary>
/// <param name="Message">Whose they are, in words.</param>
internal sealed record Overlap(CpuSet Cpus, string Message)
{
    /// <summary>Finds who else has CPUs of a dedicated VM; null if nobody has.</summary>
    public static Overlap? Find(
        DedicationVerdict verdict,
        IReadOnlyCollection<DedicationVerdict> all,
        NodeSnapshot snapshot,
        Precedence precedence
    )
    {
        if (verdict.Cpus is not { Source: not CpuSource.Chosen, Cpus: var cpuset })
        {
            return null;
        }

        var shared = CpuSet.Empty;
        string? message = null;
        foreach (var (cpus, whose) in OfVms().Concat(OfContainers(verdict.Vm, cpuset, snapshot)))
        {
            var common = cpus.Intersect(cpuset);
            shared = shared.Union(common);
            message ??= $"CPUs {common} are also {whose}";
        }

        return message is null ? null : new(shared, message);

        IEnumerable<(CpuSet, string)> OfVms() =>
            all.Where(other =>
                    other is { Dedicated: true, Obstacle: null, Vm.HasVcpus: true }
                    && other.Vm.Key != verdict.Vm.Key
                    && other.Cpus is { Source: var source, Cpus: var cpus }
                    // Of each pair of VMs: nearly none has any, and then nothing is made of it.
                    && cpus.Overlaps(cpuset)
                    && (
                        source == CpuSource.Chosen
                            ? verdict.Cpus is { Source: CpuSource.Inherited } or { IsOwnWord: true }
                            : IsRival(verdict.Vm, other.Vm, snapshot, precedence)
                    )
                )
                .Select(other =>
                    (
                        other.Cpus!.Cpus,
                        $"those of {other.Namespace}/{other.Name} (pid {other.Vm.Key.Pid}), which "
                            + (
                                snapshot.Cluster is null
                                && precedence.Why(other.Vm, verdict.Vm) is { } why
                                    ? why
                                    : "is dedicated too"
                            )
                    )
                );
    }

    // Who may use every CPU overlaps everybody, and takes nothing from one who has CPUs of its own. Nor does one from a VM that
    // has the better right to the name they share, or that was held before it.
    private static bool IsRival(
        ObservedVm vm,
        ObservedVm other,
        NodeSnapshot snapshot,
        Precedence precedence
    )
    {
        var isConfined = precedence.IsConfined(other);
        return (isConfined || !precedence.IsConfined(vm))
            && !(
                snapshot.Cluster is null
                && (!isConfined || other.GuestName == vm.GuestName)
                && precedence.IsFirst(vm, other)
            );
    }

    // Of pods that live, and not of containers that have ended: an init container's CPUs are given away again.
    private static IEnumerable<(CpuSet, string)> OfContainers(
        ObservedVm vm,
        CpuSet cpuset,
        NodeSnapshot snapshot
    )
    {
        if (snapshot is not { Cluster: { } facts, CpuManager.Checkpoint: { IsStatic: true } known })
        {
            yield break;
        }

        foreach (var entry in known.Entries)
        {
            if (
                entry is { PodUid: { } uid }
                && uid != vm.Cgroup?.PodUid
                && entry.Cpus.Overlaps(cpuset)
                && facts.Pods.GetValueOrDefault(uid) is { Problem: null, IsFinished: false } pod
                && IsLive(pod, entry.Container)
            )
            {
                var container = entry.Container is { } name ? $" (container {name})" : "";
                yield return (
                    entry.Cpus,
                    $"exclusive CPUs of pod {pod.Namespace}/{pod.Name}{container}"
                );
            }
        }
    }

    private static bool IsLive(PodFacts pod, string? container) =>
        container is null
        || pod.Containers.Any(known =>
            known is { IsInit: false } or { IsSidecar: true } && known.Name == container
        );
}
