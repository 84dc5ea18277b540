using System.Text.Json.Serialization;
using PinAgent.Model.Kubernetes;
using PinAgent.Model.Node;
using PinAgent.Plan.Dedication;

namespace PinAgent.State;

internal sealed record RememberedFile : VersionedFile
{
    public RememberedVm?[]? Vms { get; init; }
}

/// <summary>What placement needs to know of a VM, and how it is called.</summary>
internal sealed record RememberedVm
{
    public string? PodUid { get; init; }
    public string? ContainerId { get; init; }
    public bool Dedicated { get; init; }

    /// <summary>The VMI's name; null if the VM was only inferred to be dedicated.</summary>
    public string? Name { get; init; }
    public string? Namespace { get; init; }
    public bool IsolateEmulatorThread { get; init; }
    public bool EmulatorThreadCompleteToEvenParity { get; init; }
    public bool NumaPassthrough { get; init; }
    public bool HasSupplementalIoThreads { get; init; }
    public bool Realtime { get; init; }
    public string? RealtimeMask { get; init; }

    [JsonConverter(typeof(JsonStringEnumConverter<ModeLimit>))]
    public ModeLimit Limit { get; init; }

    [JsonIgnore]
    public ContainerKey Container => new(PodUid ?? "", ContainerId ?? "");

    public static RememberedVm Of(ContainerKey container, Decision decision) =>
        new()
        {
            PodUid = container.PodUid,
            ContainerId = container.ContainerId,
            Dedicated = decision.Dedicated ?? false,
            Name = decision.Vmi?.Name,
            Namespace = decision.Vmi?.Namespace,
            IsolateEmulatorThread = decision.Vmi?.Spec.IsolateEmulatorThread ?? false,
            EmulatorThreadCompleteToEvenParity =
                decision.Vmi?.Spec.EmulatorThreadCompleteToEvenParity ?? false,
            NumaPassthrough = decision.Vmi?.Spec.NumaPassthrough ?? false,
            HasSupplementalIoThreads = decision.Vmi?.Spec.HasSupplementalIoThreads ?? false,
            Realtime = decision.Vmi?.Spec.Realtime ?? false,
            RealtimeMask = decision.Vmi?.Spec.RealtimeMask,
            Limit = decision.Limit,
        };

    public Decision ToDecision() =>
        new()
        {
            Dedicated = Dedicated,
            Limit = Limit,
            Vmi = Name is null
                ? null
                : new VmiFacts(Namespace, Name)
                {
                    Spec = new VmiSpec
                    {
                        DedicatedCpuPlacement = Dedicated,
                        IsolateEmulatorThread = IsolateEmulatorThread,
                        EmulatorThreadCompleteToEvenParity = EmulatorThreadCompleteToEvenParity,
                        NumaPassthrough = NumaPassthrough,
                        IoThreadsPolicy = HasSupplementalIoThreads
                            ? VmiSpec.SupplementalPool
                            : null,
                        Realtime = Realtime,
                        RealtimeMask = RealtimeMask,
                    },
                },
        };
}
