using System.Collections.Immutable;
using System.Numerics;
using PinAgent.Model.Kubernetes;
using PinAgent.Plan.Placement;

namespace PinAgent.Plan.Rules;

/// <summary>What keeps a pod from being Guaranteed.</summary>
/// <param name="Resource"><c>cpu</c> or <c>memory</c>.</param>
internal sealed record QosBreach(string Container, string Resource, string Message);

/// <summary>What keeps a VM's container from having CPUs for all its threads to itself.</summary>
/// <param name="Requested">The CPUs requested; null for none.</param>
internal sealed record ExclusivityBreach(BigInteger Needed, Quantity? Requested, string Message)
{
    /// <summary>Whether there are too few, or not whole ones; else there are too many.</summary>
    public bool IsLack => Requested is not { IsWhole: true } cpus || cpus.Value < Needed;
}

/// <summary>What a VM's pod must be for the kubelet to give it exclusive CPUs, and enough of them.</summary>
internal static class PodRules
{
    /// <summary>What keeps a pod from being Guaranteed, in the containers' order, CPU before memory.</summary>
    /// <remarks>
    /// Source: Kubernetes, <c>pkg/apis/core/v1/helper/qos/qos.go</c> (<c>ComputePodQOS</c>): init containers count, a
    /// zero is the same as absent. A request that is absent is the limit, as the API server's defaults make it.
    /// </remarks>
    public static ImmutableArray<QosBreach> FindQosBreaches(IEnumerable<PodContainer> containers) =>
        [
            .. containers.SelectMany(container =>
                new[]
                {
                    Compare(container, "cpu", container.CpuRequest, container.CpuLimit),
                    Compare(container, "memory", container.MemoryRequest, container.MemoryLimit),
                }.OfType<QosBreach>()
            ),
        ];

    /// <summary>
    /// Checks that a container requests whole CPUs, as many as the VM's vCPUs, supplemental I/O threads and isolated
    /// emulator need.
    /// </summary>
    /// <param name="compute">The container that QEMU runs in.</param>
    /// <param name="vcpus">Its vCPUs: those that exist, if it runs.</param>
    /// <remarks>Source: KubeVirt, <c>pkg/virt-controller/services/renderresources.go</c> (<c>WithCPUPinning</c>).</remarks>
    public static ExclusivityBreach? FindExclusivityBreach(
        PodContainer compute,
        VmiSpec vmi,
        BigInteger vcpus
    )
    {
        var others = vcpus + vmi.SupplementalIoThreads;
        var emulator = PlacementRequest.IsolatedEmulatorCpus(
            vmi.IsolateEmulatorThread,
            vmi.EmulatorThreadCompleteToEvenParity,
            (long)(others % 2)
        );
        var needed = others + emulator;
        var requested = Given(compute.CpuRequest) ?? Given(compute.CpuLimit);
        return requested is { IsWhole: true } cpus && cpus.Value == needed
            ? null
            : new ExclusivityBreach(
                needed,
                requested,
                $"container {compute.Name} requests {requested?.ToString() ?? "no"} CPUs, expected {needed} whole ones: "
                    + $"{vcpus} for vCPUs, {vmi.SupplementalIoThreads} for supplemental I/O threads, "
                    + $"{emulator} for the emulator"
            );
    }

    private static QosBreach? Compare(
        PodContainer container,
        string resource,
        Quantity? request,
        Quantity? limit
    )
    {
        var allowed = Given(limit);
        var asked = Given(request) ?? allowed;
        return allowed is null || asked != allowed
            ? new QosBreach(
                container.Name,
                resource,
                $"{(container.IsInit ? "init container" : "container")} {container.Name}: expected a {resource} "
                    + $"request and limit that are equal, found {Describe(asked)} and {Describe(allowed)}: the pod "
                    + "isn't Guaranteed, so it gets no exclusive CPUs"
            )
            : null;
    }

    private static Quantity? Given(Quantity? quantity) =>
        quantity is { Sign: not 0 } ? quantity : null;

    private static string Describe(Quantity? quantity) =>
        quantity is { } given ? $"\"{given}\"" : "none";
}
