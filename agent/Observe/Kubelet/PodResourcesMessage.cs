using System.Collections.Immutable;
using PinAgent.Model.Cpu;
using PinAgent.Model.Kubernetes;
using PinAgent.Observe.Kubelet.V1;

namespace PinAgent.Observe.Kubelet;

/// <summary>Understands the messages of the kubelet's PodResources API. Pure.</summary>
internal static class PodResourcesMessage
{
    /// <summary>
    /// How many containers with CPUs are taken in. A kubelet has some hundred pods; a set of CPUs may take 8 KiB, and an
    /// answer that names one takes 7 bytes.
    /// </summary>
    public const int MostContainers = 4096;

    /// <summary>A set of CPUs.</summary>
    /// <exception cref="InvalidDataException">One of them can't be.</exception>
    public static CpuSet Read(IReadOnlyCollection<long> ids) =>
        ids.Count == 0 ? CpuSet.Empty : CpuSet.Of(ids.Select(Id));

    /// <summary>Each container's CPUs.</summary>
    /// <exception cref="InvalidDataException">There are too many, or a CPU can't be.</exception>
    public static ImmutableDictionary<ContainerName, CpuSet> Read(ListPodResourcesResponse list)
    {
        var containers = list
            .PodResources.SelectMany(pod =>
                pod.Containers.Select(container => (Pod: pod, Container: container))
            )
            .ToList();
        if (containers.Count(one => one.Container.CpuIds.Count > 0) > MostContainers)
        {
            throw new InvalidDataException(
                $"expected at most {MostContainers} containers with CPUs, found more"
            );
        }

        var read = ImmutableDictionary.CreateBuilder<ContainerName, CpuSet>();
        foreach (var (pod, container) in containers)
        {
            read[new(pod.Namespace, pod.Name, container.Name)] = Read(container.CpuIds);
        }

        return read.ToImmutable();
    }

    private static int Id(long id) =>
        id is >= 0 and <= CpuSet.MaxId
            ? (int)id
            : throw new InvalidDataException(
                $"expected a CPU from 0 to {CpuSet.MaxId}, found {id}"
            );
}
