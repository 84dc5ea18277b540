using System.Text.Json;
using PinAgent.Model;

namespace PinAgent.Observe.Kubernetes;

/// <summary>The objects that are watched.</summary>
internal static class ApiReader
{
    private const string VmiKind = "VirtualMachineInstance";
    private const string True = "true";

    /// <summary>Pods.</summary>
    public static readonly ObjectKind<PodFacts> Pods = new(Pod, BrokenPod);

    /// <summary>VMIs.</summary>
    public static readonly ObjectKind<VmiFacts> Vmis = new(Vmi, BrokenVmi);

    /// <summary>Nodes.</summary>
    public static readonly ObjectKind<NodeFacts> Nodes = new(
        (metadata, _) => new NodeFacts(metadata.Annotations?.Mode),
        (metadata, _) => new NodeFacts(metadata.Annotations?.Mode)
    );

    /// <summary>A pod.</summary>
    public static PodFacts Pod(ApiMetadata metadata, ReadOnlySpan<byte> json)
    {
        var pod = JsonSerializer.Deserialize(json, ApiJson.Default.ApiPod);
        var owner = metadata.OwnerReferences?.FirstOrDefault(owner => owner?.Kind == VmiKind);
        var selector = pod?.Spec?.NodeSelector;
        return new PodFacts(metadata.Uid!, metadata.Namespace ?? "", metadata.Name!)
        {
            IsLauncher = metadata.Labels?.Component == "virt-launcher",
            VmiUid = owner?.Uid ?? metadata.Labels?.CreatedBy,
            VmiName = owner?.Name,
            AsksForCpuManager =
                selector?.KubeVirtCpuManager == True || selector?.Cpumanager == True,
            Mode = metadata.Annotations?.Mode,
            IsDeleting = metadata.DeletionTimestamp is not null,
            IsFinished = pod?.Status?.Phase is "Succeeded" or "Failed",
            Containers = new([
                .. Containers(pod?.Spec?.InitContainers, pod?.Status?.InitContainerStatuses, true),
                .. Containers(pod?.Spec?.Containers, pod?.Status?.ContainerStatuses, false),
            ]),
        };
    }

    /// <summary>A VMI.</summary>
    public static VmiFacts Vmi(ApiMetadata metadata, ReadOnlySpan<byte> json)
    {
        var vmi = JsonSerializer.Deserialize(json, ApiJson.Default.ApiVmi);
        var domain = vmi?.Spec?.Domain;
        var cpu = domain?.Cpu;
        return new VmiFacts(metadata.Namespace, metadata.Name!)
        {
            Uid = metadata.Uid,
            DedicatedCpuPlacement = cpu?.DedicatedCpuPlacement ?? false,
            IsolateEmulatorThread = cpu?.IsolateEmulatorThread ?? false,
            EmulatorThreadCompleteToEvenParity = metadata.Annotations?.EvenParity is not null,
            NumaPassthrough = cpu?.Numa?.GuestMappingPassthrough is not null,
            HasSupplementalIoThreads = domain?.IoThreadsPolicy == "supplementalPool",
            Sockets = cpu?.Sockets ?? 0,
            Cores = cpu?.Cores ?? 0,
            Threads = cpu?.Threads ?? 0,
            MaxSockets = cpu?.MaxSockets ?? 0,
            CurrentTopology = Topology(vmi?.Status?.CurrentCpuTopology),
            Realtime = cpu?.Realtime is not null,
            RealtimeMask = cpu?.Realtime?.Mask,
            IoThreadsPolicy = domain?.IoThreadsPolicy,
            CpuRequest = domain?.Resources?.Requests?.Cpu,
            CpuLimit = domain?.Resources?.Limits?.Cpu,
            NodeName = vmi?.Status?.NodeName,
            MigrationSource = vmi?.Status?.MigrationState?.SourceNode,
            MigrationTarget = vmi?.Status?.MigrationState?.TargetNode,
            Mode = metadata.Annotations?.Mode,
        };
    }

    private static PodFacts BrokenPod(ApiMetadata metadata, string problem) =>
        new(metadata.Uid!, metadata.Namespace ?? "", metadata.Name!)
        {
            Mode = metadata.Annotations?.Mode,
            Problem = problem,
        };

    private static VmiFacts BrokenVmi(ApiMetadata metadata, string problem) =>
        new(metadata.Namespace, metadata.Name!)
        {
            Uid = metadata.Uid,
            Mode = metadata.Annotations?.Mode,
            Problem = problem,
        };

    private static IEnumerable<ContainerFacts> Containers(
        ApiContainer?[]? containers,
        ApiContainerStatus?[]? statuses,
        bool isInit
    ) =>
        (containers ?? [])
            .OfType<ApiContainer>()
            .Select(container => new ContainerFacts(container.Name ?? "", isInit)
            {
                Id = BareId(
                    statuses?.FirstOrDefault(status => status?.Name == container.Name)?.ContainerId
                ),
                CpuRequest = container.Resources?.Requests?.Cpu,
                CpuLimit = container.Resources?.Limits?.Cpu,
                MemoryRequest = container.Resources?.Requests?.Memory,
                MemoryLimit = container.Resources?.Limits?.Memory,
            });

    // containerd://<id>
    private static string? BareId(string? id) =>
        string.IsNullOrEmpty(id) ? null : id[(id.LastIndexOf('/') + 1)..];

    private static GuestTopology? Topology(ApiCpu? cpu) =>
        cpu is { Sockets: { } sockets, Cores: { } cores, Threads: { } threads }
        && GuestTopology.IsValid(sockets, cores, threads)
            ? new GuestTopology((int)sockets, (int)cores, (int)threads)
            : null;
}
