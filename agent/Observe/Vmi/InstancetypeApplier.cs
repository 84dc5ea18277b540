using System.Collections.Immutable;
using System.Numerics;
using PinAgent.Model.Kubernetes;

namespace PinAgent.Observe.Vmi;

/// <summary>
/// Gives VMs what the instancetypes and preferences beside them say, as KubeVirt does when it makes a VMI of one. A VM
/// whose instancetype isn't there stays unknown.
/// </summary>
/// <remarks>Source: KubeVirt, <c>pkg/instancetype/apply</c> and <c>pkg/instancetype/find</c>.</remarks>
internal static class InstancetypeApplier
{
    /// <summary>Applies all that is there.</summary>
    public static ImmutableArray<VmiDocument> Apply(ImmutableArray<VmiDocument> documents)
    {
        // By name, for a file may hold thousands of each.
        var instancetypes = documents
            .Where(one => one is { Instancetype: not null, Name: not null })
            .ToLookup(one => one.Name);
        var preferences = documents
            .Where(one => one is { Preference: not null, Name: not null })
            .ToLookup(one => one.Name);
        return
        [
            .. documents.Select(document =>
                document is { Vmi: { } vmi, InstancetypeName: { } name }
                && Find(instancetypes, name, document) is { Instancetype: { } instancetype }
                && PreferenceOf(document, preferences) is { } preference
                    ? Apply(document, vmi, instancetype, preference)
                    : document
            ),
        ];
    }

    private static VmiDocument? Find(
        ILookup<string?, VmiDocument> found,
        ObjectReference name,
        VmiDocument owner
    ) => found[name.Name].FirstOrDefault(one => name.Names(one, owner.Namespace));

    private static Preference? PreferenceOf(
        VmiDocument document,
        ILookup<string?, VmiDocument> preferences
    ) =>
        document.PreferenceName is { } name
            ? Find(preferences, name, document)?.Preference
            : Preference.None;

    private static VmiDocument Apply(
        VmiDocument document,
        VmiSpec vmi,
        Instancetype type,
        Preference preference
    )
    {
        ImmutableArray<Cause> conflicts =
        [
            .. Conflicts(vmi, type)
                .Select(field => new Cause(
                    $"{vmi.SpecPath}.{field}",
                    CauseReason.FieldValueInvalid,
                    "expected nothing here, for the instancetype says it: leave it out"
                )),
        ];
        return conflicts.IsEmpty
            ? document with
            {
                Vmi = Merge(vmi, type, preference),
            }
            : document with
            {
                Vmi = null,
                Causes = [.. document.Causes, .. conflicts],
            };
    }

    private static IEnumerable<string> Conflicts(VmiSpec vmi, Instancetype type)
    {
        (string Field, bool IsTwice)[] fields =
        [
            ("domain.resources.requests.cpu", vmi.CpuRequest is not null),
            ("domain.resources.limits.cpu", vmi.CpuLimit is not null),
            ("domain.cpu.sockets", vmi.Sockets > 0),
            ("domain.cpu.cores", vmi.Cores > 0),
            ("domain.cpu.threads", vmi.Threads > 0),
            (
                "domain.cpu.dedicatedCpuPlacement",
                vmi.DedicatedCpuPlacement && type.DedicatedCpuPlacement is not null
            ),
            (
                "domain.cpu.isolateEmulatorThread",
                vmi.IsolateEmulatorThread && type.IsolateEmulatorThread is not null
            ),
            ("domain.cpu.numa", vmi.NumaPassthrough && type.HasNuma),
            ("domain.cpu.realtime", vmi.Realtime && type.Realtime),
            ("domain.memory.guest", vmi.GuestMemory is not null),
            ("domain.memory.hugepages", vmi.HasHugepages && type.HasHugepages),
            ("domain.resources.requests.memory", vmi.MemoryRequest is not null),
            ("domain.resources.limits.memory", vmi.MemoryLimit is not null),
            (
                "domain.ioThreadsPolicy",
                vmi.IoThreadsPolicy is not null && type.IoThreadsPolicy is not null
            ),
            (
                "domain.ioThreads.supplementalPoolThreadCount",
                vmi.SupplementalPoolThreadCount > 0 && type.SupplementalPoolThreadCount is not null
            ),
        ];
        return fields.Where(field => field.IsTwice).Select(field => field.Field);
    }

    private static VmiSpec Merge(VmiSpec vmi, Instancetype type, Preference preference) =>
        preference.Show(vmi, type.Vcpus) with
        {
            HasInstancetype = false,
            Architecture = vmi.Architecture is { Length: > 0 } own ? own : preference.Architecture,
            DedicatedCpuPlacement = type.DedicatedCpuPlacement ?? vmi.DedicatedCpuPlacement,
            IsolateEmulatorThread = type.IsolateEmulatorThread ?? vmi.IsolateEmulatorThread,
            NumaPassthrough = type.HasNuma ? type.NumaPassthrough : vmi.NumaPassthrough,
            Realtime = type.Realtime || vmi.Realtime,
            RealtimeMask = type.Realtime ? type.RealtimeMask : vmi.RealtimeMask,
            MaxSockets = type.MaxSockets ?? vmi.MaxSockets,
            GuestMemory = type.Memory,
            MemoryRequest = type is { OvercommitPercent: > 0, Memory: { } memory }
                ? Less(memory, type.OvercommitPercent)
                : null,
            HasHugepages = type.HasHugepages || vmi.HasHugepages,
            PageSize = type.HasHugepages ? type.PageSize : vmi.PageSize,
            IoThreadsPolicy = type.IoThreadsPolicy ?? vmi.IoThreadsPolicy,
            SupplementalPoolThreadCount =
                type.SupplementalPoolThreadCount ?? vmi.SupplementalPoolThreadCount,
            EmulatorThreadCompleteToEvenParity =
                type.EmulatorThreadCompleteToEvenParity || vmi.EmulatorThreadCompleteToEvenParity,
        };

    private static Quantity Less(Quantity memory, uint percent) =>
        Quantity.Parse($"{memory.Value * (100 - BigInteger.Min(percent, 100)) / 100}");
}
