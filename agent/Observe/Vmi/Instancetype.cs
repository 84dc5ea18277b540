using System.Collections.Immutable;
using PinAgent.Kubernetes.Objects;
using PinAgent.Model.Kubernetes;

namespace PinAgent.Observe.Vmi;

/// <summary>What an instancetype says of CPUs and memory; null for what it leaves to the VM.</summary>
/// <remarks>Source: KubeVirt, <c>staging/src/kubevirt.io/api/instancetype/v1beta1/types.go</c>.</remarks>
internal sealed record Instancetype
{
    /// <summary>The kind of a VM's reference that doesn't say.</summary>
    public const string DefaultKind = "VirtualMachineClusterInstancetype";

    /// <summary>The API group of instancetypes and preferences.</summary>
    public const string Group = "instancetype.kubevirt.io/";

    /// <summary>Its kinds.</summary>
    public static ImmutableArray<string> Kinds { get; } =
    ["VirtualMachineInstancetype", DefaultKind];

    public uint Vcpus { get; init; }

    public bool? DedicatedCpuPlacement { get; init; }

    public bool? IsolateEmulatorThread { get; init; }

    /// <summary>Whether it says anything of NUMA.</summary>
    public bool HasNuma { get; init; }

    public bool NumaPassthrough { get; init; }

    public bool Realtime { get; init; }

    public string? RealtimeMask { get; init; }

    public uint? MaxSockets { get; init; }

    public Quantity? Memory { get; init; }

    public bool HasHugepages { get; init; }

    public string? PageSize { get; init; }

    /// <summary>By how many percent less than the guest's memory the pod requests.</summary>
    public uint OvercommitPercent { get; init; }

    public string? IoThreadsPolicy { get; init; }

    public uint? SupplementalPoolThreadCount { get; init; }

    public bool EmulatorThreadCompleteToEvenParity { get; init; }

    /// <summary>Whether an object is one.</summary>
    public static bool IsOne(string? kind, string? version) =>
        kind is not null
        && Kinds.Contains(kind)
        && (version is null || version.StartsWith(Group, StringComparison.Ordinal));

    /// <summary>Reads one.</summary>
    public static Instancetype Read(Section root)
    {
        root.Require("spec", "the instancetype's spec");
        var spec = root["spec"];
        var cpu = spec["cpu"];
        var memory = spec["memory"];
        var pool = spec["ioThreads"];
        return new Instancetype
        {
            Vcpus = cpu.Count("guest"),
            DedicatedCpuPlacement = FlagOrNull(cpu, "dedicatedCPUPlacement"),
            IsolateEmulatorThread = FlagOrNull(cpu, "isolateEmulatorThread"),
            HasNuma = cpu["numa"].Exists,
            NumaPassthrough = cpu["numa"]["guestMappingPassthrough"].Exists,
            Realtime = cpu["realtime"].Exists,
            RealtimeMask = cpu["realtime"].TextOnly("mask"),
            MaxSockets = CountOrNull(cpu, "maxSockets"),
            Memory = memory.Quantity("guest"),
            HasHugepages = memory["hugepages"].Exists,
            PageSize = memory["hugepages"].TextOnly("pageSize"),
            OvercommitPercent = memory.Count("overcommitPercent"),
            IoThreadsPolicy = spec.TextOnly("ioThreadsPolicy"),
            SupplementalPoolThreadCount = CountOrNull(pool, "supplementalPoolThreadCount"),
            EmulatorThreadCompleteToEvenParity = spec["annotations"]
                .Has(VmiSpecReader.EvenParityAnnotation),
        };
    }

    private static bool? FlagOrNull(Section section, string name) =>
        section.Has(name) ? section.Flag(name) : null;

    private static uint? CountOrNull(Section section, string name) =>
        section.Has(name) ? section.Count(name) : null;
}
