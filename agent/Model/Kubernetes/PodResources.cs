using System.Collections.Immutable;
using PinAgent.Model.Cpu;

namespace PinAgent.Model.Kubernetes;

/// <summary>A container by its names.</summary>
internal readonly record struct ContainerName(string Namespace, string Pod, string Container);

/// <summary>What the kubelet's PodResources API has told.</summary>
/// <param name="Allocatable">The CPUs that the CPU manager may give out; empty where it gives out none.</param>
/// <param name="Containers">Each container's exclusive CPUs; empty for one that has none.</param>
internal sealed record PodResources(
    CpuSet Allocatable,
    ImmutableDictionary<ContainerName, CpuSet> Containers
);

/// <summary>What came of asking the PodResources API.</summary>
/// <param name="Known">The answer; null if there is none that is in force.</param>
/// <param name="Evidence">What was asked and found, for people; null before anything was.</param>
internal sealed record PodResourcesObservation(PodResources? Known, string? Evidence);
