using System.Text.Json;
using PinAgent.Kubernetes.Client;
using PinAgent.Kubernetes.Objects;
using PinAgent.Kubernetes.Watch;
using PinAgent.Model.Kubernetes;
using PinAgent.Model.Vm;
using PinAgent.Observe.Vmi;

namespace PinAgent.Observe.Cluster;

/// <summary>The objects that are watched: named fields of them, and no others.</summary>
/// <remarks>
/// Sources: <c>k8s.io/api/core/v1/types.go</c>, KubeVirt's <c>staging/src/kubevirt.io/api/core/v1/types.go</c>.
/// </remarks>
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
        (metadata, json) =>
            new NodeFacts(
                metadata.Annotations?.Mode,
                NodeReader.Read(json),
                NodeReader.ReadAllocatable(json)
            ),
        (metadata, _) => new NodeFacts(metadata.Annotations?.Mode, null, null)
    );

    /// <summary>A pod.</summary>
    public static PodFacts Pod(ApiMetadata metadata, ReadOnlySpan<byte> json)
    {
        var causes = new List<Cause>();
        var root = Root(json, causes);
        var (spec, status) = (root["spec"], root["status"]);
        var labels = root["metadata"]["labels"];
        var selector = spec["nodeSelector"];
        var owner = root["metadata"]
            .Sections("ownerReferences")
            .FirstOrDefault(owner => owner.Text("kind") == VmiKind);
        var pod = new PodFacts(metadata.Uid!, metadata.Namespace ?? "", metadata.Name!)
        {
            IsLauncher = labels.Text("kubevirt.io") == "virt-launcher",
            VmiUid = owner.Text("uid") ?? labels.Text("kubevirt.io/created-by"),
            VmiName = owner.Text("name"),
            AsksForCpuManager =
                selector.Text("kubevirt.io/cpumanager") == True
                || selector.Text("cpumanager") == True,
            Mode = metadata.Annotations?.Mode,
            Placement = metadata.Annotations?.Placement,
            CpuOverhead = spec["overhead"].Quantity("cpu"),
            MemoryOverhead = spec["overhead"].Quantity("memory"),
            IsDeleting = root["metadata"].Has("deletionTimestamp"),
            IsFinished = status.Text("phase") is "Succeeded" or "Failed",
            Containers = new([
                .. Containers(spec, "initContainers", status, "initContainerStatuses", true),
                .. Containers(spec, "containers", status, "containerStatuses", false),
            ]),
        };
        Demand(causes);
        return pod;
    }

    /// <summary>A VMI.</summary>
    public static VmiFacts Vmi(ApiMetadata metadata, ReadOnlySpan<byte> json)
    {
        var causes = new List<Cause>();
        var root = Root(json, causes);
        var status = root["status"];
        var migration = status["migrationState"];
        var vmi = new VmiFacts(metadata.Namespace, metadata.Name!)
        {
            Uid = metadata.Uid,
            Spec = VmiSpecReader.Read(root, root["metadata"]) with { IsStored = true },
            CurrentTopology = Topology(status["currentCPUTopology"]),
            NodeName = status.Text("nodeName"),
            MigrationSource = migration.Text("sourceNode"),
            MigrationTarget = migration.Text("targetNode"),
            Mode = metadata.Annotations?.Mode,
        };
        Demand(causes);
        return vmi;
    }

    private static Section Root(ReadOnlySpan<byte> json, List<Cause> causes) =>
        new(JsonReader.Read(json) as MapNode, "", causes);

    // What is missing is the server's affair; what is of another type can't be understood. The cause's own sentence
    // quotes what was found, which may be a secret.
    private static void Demand(List<Cause> causes)
    {
        if (causes.Find(cause => cause.Reason != CauseReason.FieldValueRequired) is { } cause)
        {
            var what =
                cause.Reason == CauseReason.FieldValueTypeInvalid
                    ? "of another type than the schema's"
                    : "a value that can't be";
            throw new JsonException($"{cause.Field}: {what}");
        }
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

    private static IEnumerable<PodContainer> Containers(
        Section spec,
        string containers,
        Section status,
        string statuses,
        bool isInit
    )
    {
        var ids = status
            .Sections(statuses)
            .ToLookup(state => state.Text("name"), state => BareId(state.Text("containerID")));
        foreach (var container in spec.Sections(containers))
        {
            var name = container.Text("name") ?? "";
            var (requests, limits) = (
                container["resources"]["requests"],
                container["resources"]["limits"]
            );
            yield return new PodContainer(name, isInit)
            {
                IsSidecar = isInit && container.Text("restartPolicy") == "Always",
                Id = ids[name].FirstOrDefault(),
                CpuRequest = requests.Quantity("cpu"),
                CpuLimit = limits.Quantity("cpu"),
                MemoryRequest = requests.Quantity("memory"),
                MemoryLimit = limits.Quantity("memory"),
            };
        }
    }

    // containerd://<id>
    private static string? BareId(string? id) =>
        string.IsNullOrEmpty(id) ? null : id[(id.LastIndexOf('/') + 1)..];

    private static GuestTopology? Topology(Section cpu)
    {
        var (sockets, cores, threads) = (
            cpu.Count("sockets"),
            cpu.Count("cores"),
            cpu.Count("threads")
        );
        return GuestTopology.IsValid(sockets, cores, threads)
            ? new GuestTopology((int)sockets, (int)cores, (int)threads)
            : null;
    }
}
