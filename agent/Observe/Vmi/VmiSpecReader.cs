using PinAgent.Kubernetes.Objects;
using PinAgent.Model.Kubernetes;

namespace PinAgent.Observe.Vmi;

/// <summary>Reads what a VMI, or a VirtualMachine's template, asks for: named fields only, for VMIs can hold secrets.</summary>
/// <remarks>Source: KubeVirt, <c>staging/src/kubevirt.io/api/core/v1/schema.go</c>.</remarks>
internal static class VmiSpecReader
{
    /// <summary>The annotation that gives an isolated emulator a second CPU.</summary>
    public const string EvenParityAnnotation =
        "alpha.kubevirt.io/EmulatorThreadCompleteToEvenParity";
    private const string HookSidecarsAnnotation = "hooks.kubevirt.io/hookSidecars";

    /// <summary>Reads a spec.</summary>
    /// <param name="parent">What has the spec.</param>
    /// <param name="metadata">The metadata beside it, for its annotations.</param>
    public static VmiSpec Read(Section parent, Section metadata)
    {
        parent.Require("spec", "the spec of a VirtualMachineInstance");
        var spec = parent["spec"];
        spec.Require("domain", "the VM's domain");
        var domain = spec["domain"];
        var cpu = domain["cpu"];
        var requests = domain["resources"]["requests"];
        var limits = domain["resources"]["limits"];
        var annotations = metadata["annotations"];
        return new VmiSpec
        {
            HasInstancetype = spec["instancetype"].Exists,
            EmulatorThreadCompleteToEvenParity = annotations.Has(EvenParityAnnotation),
            HasHookSidecars = annotations.Text(HookSidecarsAnnotation) is not null,
            Architecture = spec.TextOnly("architecture"),
            DedicatedCpuPlacement = cpu.Flag("dedicatedCpuPlacement"),
            IsolateEmulatorThread = cpu.Flag("isolateEmulatorThread"),
            Sockets = cpu.Count("sockets"),
            Cores = cpu.Count("cores"),
            Threads = cpu.Count("threads"),
            MaxSockets = cpu.Count("maxSockets"),
            NumaPassthrough = cpu["numa"]["guestMappingPassthrough"].Exists,
            Realtime = cpu["realtime"].Exists,
            RealtimeMask = cpu["realtime"].TextOnly("mask"),
            IoThreadsPolicy = domain.TextOnly("ioThreadsPolicy"),
            SupplementalPoolThreadCount = domain["ioThreads"].Count("supplementalPoolThreadCount"),
            CpuRequest = requests.Quantity("cpu"),
            CpuLimit = limits.Quantity("cpu"),
            MemoryRequest = requests.Quantity("memory"),
            MemoryLimit = limits.Quantity("memory"),
            GuestMemory = domain["memory"].Quantity("guest"),
            HasHugepages = domain["memory"]["hugepages"].Exists,
            PageSize = domain["memory"]["hugepages"].TextOnly("pageSize"),
        };
    }
}
