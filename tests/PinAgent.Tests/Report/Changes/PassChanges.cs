using System.Collections.Immutable;
using PinAgent.Model.Changes;
using PinAgent.Model.Cpu;
using PinAgent.Observe.Events.Foreign;
using PinAgent.Report;
using PinAgent.Report.Changes;

namespace PinAgent.Tests.Report.Changes;

/// <summary>What is told of passes over one VM.</summary>
internal static class PassChanges
{
    public static readonly DateTimeOffset Noon = new(2026, 9, 1, 12, 0, 0, TimeSpan.Zero);

    /// <summary>What is told of a pass, a second after another or as the first.</summary>
    public static ImmutableArray<VmChange> Of(
        VmPassResult vm,
        VmPassResult? after = null,
        bool? cpusetsWritten = null,
        IReadOnlyDictionary<int, ForeignDeed>? deeds = null
    )
    {
        var detector = new ChangeDetector();
        if (after is not null)
        {
            detector.After([after], [], CpuSet.Parse("0-15"), [], Noon);
        }

        return detector.After(
            [vm],
            [],
            CpuSet.Parse("0-15"),
            cpusetsWritten is { } isWritten
                ? (isWritten ? [vm.Outcome.Plan.Vm.Cgroup!.Path] : [])
                : null,
            Noon.AddSeconds(1),
            deeds
        );
    }
}
