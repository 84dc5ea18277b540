using PinAgent.Model.Cpu;
using PinAgent.Model.Kubernetes;
using PinAgent.Model.Text;

namespace PinAgent.Report.Status;

/// <summary>What the kubelet's PodResources API says of CPUs.</summary>
/// <param name="Allocatable">The CPUs that the CPU manager may give out.</param>
/// <param name="Containers">The containers that have CPUs, in the order of their names.</param>
internal sealed record PodResourcesStatus(
    CpuSet Allocatable,
    IReadOnlyList<PodCpusStatus> Containers
)
{
    /// <summary>The status of an answer.</summary>
    public static PodResourcesStatus Of(PodResources resources) =>
        new(
            resources.Allocatable,
            [
                .. resources
                    .Containers.Where(container => !container.Value.IsEmpty)
                    .Select(container => new PodCpusStatus(
                        Words.Printable(container.Key.Namespace),
                        Words.Printable(container.Key.Pod),
                        Words.Printable(container.Key.Container),
                        container.Value
                    ))
                    .OrderBy(container => container.Namespace, StringComparer.Ordinal)
                    .ThenBy(container => container.Pod, StringComparer.Ordinal)
                    .ThenBy(container => container.Container, StringComparer.Ordinal),
            ]
        );
}

/// <summary>The CPUs of one container.</summary>
/// <param name="Namespace">The pod's namespace.</param>
/// <param name="Pod">The pod's name.</param>
/// <param name="Container">The container's name.</param>
/// <param name="Cpus">The CPUs.</param>
internal sealed record PodCpusStatus(string Namespace, string Pod, string Container, CpuSet Cpus);
