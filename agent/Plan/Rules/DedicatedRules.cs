using System.Collections.Immutable;
using System.Numerics;
using PinAgent.Model.Kubernetes;

namespace PinAgent.Plan.Rules;

/// <summary>
/// The rules that a VMI with dedicated CPUs must keep: what KubeVirt's webhook demands, and what the user guide's
/// "all inconsistent requirements will be rejected" adds.
/// </summary>
/// <remarks>
/// Source: KubeVirt, <c>pkg/virt-api/webhooks/validating-webhook/admitters/vmi-create-admitter.go</c>; each rule names
/// its function. The same rules as an admission policy: <c>deploy/admission/policy.yaml</c>.
/// </remarks>
internal static class DedicatedRules
{
    private const string Requests = "domain.resources.requests";
    private const string Limits = "domain.resources.limits";
    private const string Placement = "domain.cpu.dedicatedCpuPlacement";
    private const string Passthrough = "domain.cpu.numa.guestMappingPassthrough";
    private const CauseReason Invalid = CauseReason.FieldValueInvalid;
    private const CauseReason Required = CauseReason.FieldValueRequired;

    /// <summary>The table.</summary>
    public static ImmutableArray<DedicatedRule> Table { get; } =
    [
        // validateCPUIsolatorThread
        new(
            "isolate-needs-dedicated",
            "domain.cpu.isolateEmulatorThread",
            Invalid,
            vmi =>
                vmi is { IsolateEmulatorThread: true, DedicatedCpuPlacement: false }
                    ? "isolateEmulatorThread needs dedicatedCpuPlacement: true beside it"
                    : null
        ),
        // validateMemoryLimitAndRequestProvided, before setDefaultResourceRequests and setGuestMemory
        Dedicated("memory-given", Limits + ".memory", NoMemory),
        // validateCPURequestIsInteger
        Dedicated(
            "cpu-request-whole",
            Requests + ".cpu",
            vmi => NotWhole(vmi.CpuRequest, "the CPU request")
        ),
        // validateCPULimitIsInteger
        Dedicated(
            "cpu-limit-whole",
            Limits + ".cpu",
            vmi => NotWhole(vmi.CpuLimit, "the CPU limit")
        ),
        // validateMemoryRequestsAndLimits
        Dedicated(
            "memory-equal",
            Requests + ".memory",
            vmi => Unequal(vmi.MemoryRequest, vmi.MemoryLimit, "memory")
        ),
        // validateRequestEqualsLimitOnDedicatedCPUPlacement
        Dedicated("cpu-equal", Placement, vmi => Unequal(vmi.CpuRequest, vmi.CpuLimit, "CPU")),
        // validateRequestOrLimitWithCoresProvidedOnDedicatedCPUPlacement
        Dedicated("cpu-equals-topology", Placement, ContradictsTopology),
        // validateThreadCountOnDedicatedCPUPlacement
        Dedicated(
            "threads-at-most-two",
            Placement,
            vmi =>
                vmi.Threads > 2
                    ? $"expected at most 2 threads per core, found {vmi.Threads}: use sockets or cores instead"
                    : null
        ),
        // validateThreadCountOnArchitecture
        Dedicated(
            "arm64-one-thread",
            "architecture",
            vmi =>
                vmi is { Architecture: "arm64", Threads: > 1 }
                    ? $"expected 1 thread per core on arm64, found {vmi.Threads}: use sockets or cores instead"
                    : null
        ),
        // validateNUMA
        new(
            "passthrough-needs-dedicated",
            Passthrough,
            Invalid,
            vmi =>
                vmi is { NumaPassthrough: true, DedicatedCpuPlacement: false }
                    ? "guestMappingPassthrough needs domain.cpu.dedicatedCpuPlacement: true"
                    : null
        ),
        new(
            "passthrough-needs-hugepages",
            Passthrough,
            Invalid,
            vmi =>
                vmi is { NumaPassthrough: true, HasHugepages: false }
                    ? "guestMappingPassthrough needs domain.memory.hugepages"
                    : null
        ),
        // validateCPURealtime
        new(
            "realtime-needs-dedicated",
            Placement,
            Required,
            vmi =>
                vmi is { Realtime: true, DedicatedCpuPlacement: false }
                    ? "realtime needs dedicatedCpuPlacement: true beside it"
                    : null
        ),
        // validateMemoryRealtime
        new(
            "realtime-needs-passthrough",
            Passthrough,
            Required,
            vmi =>
                vmi is { Realtime: true, NumaPassthrough: false }
                    ? "realtime needs numa.guestMappingPassthrough: {} beside it"
                    : null
        ),
        // validateCPURequestNotNegative, validateCPULimitNotNegative
        new(
            "cpu-request-not-negative",
            Requests + ".cpu",
            Invalid,
            vmi => Negative(vmi.CpuRequest)
        ),
        new("cpu-limit-not-negative", Limits + ".cpu", Invalid, vmi => Negative(vmi.CpuLimit)),
        // validateCpuRequestDoesNotExceedLimit
        new("cpu-request-within-limit", Requests + ".cpu", Invalid, AboveLimit),
        .. GuestRules.Table,
    ];

    /// <summary>Judges a VMI by all rules.</summary>
    public static RuleFindings Check(VmiSpec vmi, RuleContext context)
    {
        // An instancetype may still bring what is missing, and replace what is wrong.
        ImmutableArray<Cause> causes = vmi.HasInstancetype
            ? []
            :
            [
                .. GuestRules.AgainstSchema(vmi),
                .. Table.SelectMany(rule =>
                    rule.Break(vmi) is { } message
                        ? new[] { new Cause($"{vmi.SpecPath}.{rule.Field}", rule.Reason, message) }
                        : []
                ),
            ];
        return new RuleFindings(
            vmi.HasInstancetype ? null : causes.IsEmpty,
            causes,
            DedicatedWarnings.Of(vmi, context)
        );
    }

    private static DedicatedRule Dedicated(string id, string field, Func<VmiSpec, string?> rule) =>
        new(id, field, Invalid, vmi => vmi.DedicatedCpuPlacement ? rule(vmi) : null);

    private static string? NoMemory(VmiSpec vmi) =>
        IsSet(vmi.MemoryLimit)
        || IsSet(vmi.MemoryRequest)
        || IsSet(vmi.GuestMemory)
        || vmi.HasHugepages
            ? null
            : "expected the VM's memory, found none: set domain.memory.guest, or resources.requests.memory and "
                + "resources.limits.memory";

    private static string? NotWhole(Quantity? cpus, string what) =>
        cpus is { Sign: > 0, IsWhole: false } given
            ? $"expected {what} to be a whole number, found \"{given}\": the kubelet gives exclusive CPUs to whole "
                + $"numbers only, so make it {given.Value}"
            : null;

    // Whole bytes and whole CPUs are compared, as KubeVirt does: a fraction has its own rule.
    private static string? Unequal(Quantity? request, Quantity? limit, string what) =>
        request is { Sign: > 0 } asked
        && limit is { Sign: > 0 } allowed
        && asked.Value != allowed.Value
            ? $"expected {what} request and limit to be equal, so that the pod is Guaranteed, found a request of "
                + $"\"{asked}\" and a limit of \"{allowed}\""
            : null;

    private static string? ContradictsTopology(VmiSpec vmi)
    {
        var request = ValueOf(vmi.CpuRequest);
        var limit = ValueOf(vmi.CpuLimit);
        var vcpus = vmi.DefaultedVcpus;
        return (request <= 0 && limit <= 0) || request == vcpus || limit == vcpus ? null
            : vmi.HasTopology
                ? $"expected CPU resources of {vmi.TopologyVcpus}, the number of vCPUs of the topology beside them, "
                    + $"found {Describe(vmi)}: leave one of the two out"
            : vcpus.IsOne
                ? $"expected one number of CPUs, found {Describe(vmi)}: KubeVirt makes 1 vCPU of such a limit, so leave it out"
            : $"expected 1 to {uint.MaxValue} CPUs, found {Describe(vmi)}";
    }

    private static string? Negative(Quantity? cpus) =>
        cpus is { Sign: < 0 } given ? $"expected 0 or more CPUs, found \"{given}\"" : null;

    private static string? AboveLimit(VmiSpec vmi) =>
        vmi is { CpuRequest: { } request, CpuLimit: { Sign: > 0 } limit }
        && request.MilliValue > limit.MilliValue
            ? $"expected a CPU request of at most the limit, \"{limit}\", found \"{request}\""
            : null;

    private static string Describe(VmiSpec vmi) =>
        (vmi.CpuRequest, vmi.CpuLimit) switch
        {
            ({ } request, { } limit) => $"a request of \"{request}\" and a limit of \"{limit}\"",
            ({ } request, null) => $"a request of \"{request}\"",
            (_, var limit) => $"a limit of \"{limit}\"",
        };

    private static bool IsSet(Quantity? quantity) => quantity is { Sign: not 0 };

    private static BigInteger ValueOf(Quantity? quantity) => quantity?.Value ?? BigInteger.Zero;
}
