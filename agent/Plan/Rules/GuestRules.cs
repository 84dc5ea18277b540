using System.Collections.Immutable;
using PinAgent.Model.Kubernetes;
using PinAgent.Model.Text;

namespace PinAgent.Plan.Rules;

/// <summary>
/// The rules of KubeVirt's webhook that hold for every VMI, dedicated or not, as far as they touch CPUs, memory pages
/// and I/O threads. <c>deploy/docs/rules.md</c> says where each of the webhook's rules is.
/// </summary>
/// <remarks>Source: KubeVirt, <c>vmi-create-admitter.go</c>; each rule names its function.</remarks>
internal static class GuestRules
{
    private const string MemoryRequest = "domain.resources.requests.memory";
    private const CauseReason Invalid = CauseReason.FieldValueInvalid;

    private static readonly Quantity LeastMemory = Quantity.Parse("1M");
    private static readonly ImmutableArray<string> IoThreadsPolicies =
    [
        "shared",
        "auto",
        VmiSpec.SupplementalPool,
    ];

    // Empty is the cluster's own.
    private static readonly ImmutableArray<string> Architectures = ["amd64", "arm64", "s390x"];

    /// <summary>The table's second part.</summary>
    public static ImmutableArray<DedicatedRule> Table { get; } =
    [
        // validateMemoryRequestsNegativeOrNull
        new(
            "memory-at-least-1m",
            MemoryRequest,
            Invalid,
            vmi =>
                vmi.MemoryRequest is { Sign: not 0 } memory && memory < LeastMemory
                    ? $"expected a memory request of 1M or more, found \"{memory}\""
                    : null
        ),
        // validateMemoryLimitsNegativeOrNull
        new(
            "memory-limit-not-negative",
            "domain.resources.limits.memory",
            Invalid,
            vmi =>
                vmi.MemoryLimit is { Sign: < 0 } limit
                    ? $"expected 0 or more memory, found \"{limit}\""
                    : null
        ),
        // validateHugepagesMemoryRequests
        new(
            "page-size-readable",
            "domain.memory.hugepages.pageSize",
            Invalid,
            vmi =>
                vmi.HasHugepages && PageOf(vmi) is null
                    ? $"expected a page size such as 2Mi or 1Gi, found {Show(vmi.PageSize)}"
                    : null
        ),
        new("memory-of-whole-pages", MemoryRequest, Invalid, NoWholePages),
        // validateCPUHotplug
        new(
            "sockets-within-max",
            "domain.cpu.sockets",
            Invalid,
            vmi =>
                vmi.MaxSockets > 0 && vmi.DefaultedSockets > vmi.MaxSockets
                    ? $"expected at most {vmi.MaxSockets} sockets, as maxSockets says, found {vmi.DefaultedSockets}"
                    : null
        ),
        // validateIOThreadsPolicy
        new(
            "io-threads-policy-known",
            "domain.ioThreadsPolicy",
            Invalid,
            vmi =>
                vmi.IoThreadsPolicy is { } policy && !IoThreadsPolicies.Contains(policy)
                    ? $"expected {string.Join(", ", IoThreadsPolicies)}, found {Show(policy)}"
                    : null
        ),
        new(
            "supplemental-pool-counted",
            "domain.ioThreads.count",
            Invalid,
            vmi =>
                vmi is { HasSupplementalIoThreads: true, SupplementalPoolThreadCount: 0 }
                    ? "supplementalPool needs the number of threads, 1 or more, in "
                        + "domain.ioThreads.supplementalPoolThreadCount"
                    : null
        ),
        // ValidateVirtualMachineInstancePerArch
        new(
            "architecture-known",
            "architecture",
            Invalid,
            vmi =>
                vmi.Architecture is { Length: > 0 } architecture
                && !Architectures.Contains(architecture)
                    ? $"expected {string.Join(", ", Architectures)}, found {Show(architecture)}"
                    : null
        ),
    ];

    /// <summary>
    /// What the API server refuses before any webhook or policy sees it: KubeVirt's objects hold 32 bits without a sign,
    /// and its schema says int32.
    /// </summary>
    public static IEnumerable<Cause> AgainstSchema(VmiSpec vmi) =>
        new[]
        {
            ("domain.cpu.sockets", vmi.Sockets),
            ("domain.cpu.cores", vmi.Cores),
            ("domain.cpu.threads", vmi.Threads),
            ("domain.cpu.maxSockets", vmi.MaxSockets),
            ("domain.ioThreads.supplementalPoolThreadCount", vmi.SupplementalPoolThreadCount),
        }
            .Where(count => count.Item2 > int.MaxValue)
            .Select(count => new Cause(
                $"{vmi.SpecPath}.{count.Item1}",
                Invalid,
                $"expected at most {int.MaxValue}, as KubeVirt's schema says, found {count.Item2}"
            ));

    private static string? NoWholePages(VmiSpec vmi)
    {
        if (!vmi.HasHugepages || PageOf(vmi) is not { } page)
        {
            return null;
        }

        var memory = FirstGiven(vmi.MemoryRequest, vmi.GuestMemory, vmi.MemoryLimit);
        return memory.Sign < 0 || !(memory.Value % page.Value).IsZero
            ? $"expected memory of whole pages of \"{page}\", found \"{memory}\""
            : null;
    }

    private static Quantity FirstGiven(params ReadOnlySpan<Quantity?> quantities)
    {
        foreach (var quantity in quantities)
        {
            if (quantity is { Sign: not 0 } given)
            {
                return given;
            }
        }

        return default;
    }

    private static Quantity? PageOf(VmiSpec vmi) =>
        Quantity.TryParse(vmi.PageSize, out var page) && page.Sign > 0 ? page : null;

    private static string Show(string? text) => text is null ? "none" : Words.Quote(text);
}
