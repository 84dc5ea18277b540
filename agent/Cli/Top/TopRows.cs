using System.Collections.Immutable;
using PinAgent.Cli.Look;
using PinAgent.Model.Cpu;
using PinAgent.Model.Vm;
using PinAgent.Report.Map;
using PinAgent.Report.Page;
using PinAgent.Report.Status;
using PinAgent.Report.Waits;

namespace PinAgent.Cli.Top;

/// <summary>By what the rows of <c>pinagent top</c> are sorted.</summary>
internal enum TopOrder
{
    /// <summary>What waits longest, and what isn't where it belongs, first.</summary>
    Pain,

    /// <summary>By the VMs' names.</summary>
    Vm,

    /// <summary>By the CPUs.</summary>
    Cpu,

    /// <summary>What changed its CPU most often first.</summary>
    Moves,
}

/// <summary>One vCPU.</summary>
/// <param name="Vm">Its VM, namespace and name.</param>
/// <param name="Cpus">The CPUs it may run on; null when it's gone.</param>
/// <param name="Waited">The share of the last moments in which it waited for its CPU; null if that isn't known.</param>
/// <param name="IsAway">Whether it isn't where it belongs.</param>
/// <param name="Who">Who disturbs it, or why it isn't where it belongs; empty if nobody does.</param>
internal sealed record TopRow(
    string Vm,
    int Pid,
    int Index,
    CpuSet? Cpus,
    double? Waited,
    bool IsAway,
    string Who
)
{
    /// <summary>The share of time that the host itself was given no CPU by its own host; null if that isn't known.</summary>
    public double? Stolen { get; init; }

    /// <summary>How often it changed its CPU since the last picture; null if that isn't known.</summary>
    public long? Migrations { get; init; }
}

/// <summary>Makes the rows of <c>pinagent top</c> of a status. Pure.</summary>
internal static class TopRows
{
    // What is marked.
    private const double Felt = 0.005;

    /// <summary>A row for each vCPU of a dedicated VM.</summary>
    public static ImmutableArray<TopRow> Of(
        NodeStatus status,
        WaitRates waits,
        VmFilter filter,
        TopOrder order,
        KernelCounts? before = null,
        KernelCounts? after = null
    )
    {
        before ??= KernelCounts.None;
        after ??= KernelCounts.None;
        var map = NodeMap.Of(status);
        var rows = status
            .Vms.Where(vm => vm.Dedicated && filter.Has(vm))
            .SelectMany(vm =>
                vm.Threads.Where(thread => thread.Role == ThreadRole.Vcpu)
                    .Select(thread => new TopRow(
                        $"{vm.Namespace}/{vm.Name}",
                        vm.Pid,
                        thread.Index ?? 0,
                        thread.Actual,
                        waits.Of(thread.Tid),
                        thread.Wanted is null || !thread.Wanted.Equals(thread.Actual),
                        Who(status, map, vm, thread, waits.Of(thread.Tid))
                    )
                    {
                        Stolen =
                            after.HasSteal && thread.Actual is { Count: 1, First: var cpu }
                                ? KernelCounts.Share(before, after, cpu)
                                : null,
                        Migrations = KernelCounts.Moves(before, after, thread.Tid),
                    })
            );
        return
        [
            .. order switch
            {
                TopOrder.Vm => ByName(rows.OrderBy(_ => 0)),
                TopOrder.Cpu => ByName(rows.OrderBy(row => row.Cpus?.First ?? int.MaxValue)),
                TopOrder.Moves => ByName(rows.OrderByDescending(row => row.Migrations ?? 0)),
                // A hundredth of a percent is no difference that anybody feels; what isn't in its place will.
                _ => ByName(
                    rows.OrderByDescending(row => Math.Round(row.Waited ?? 0, 3))
                        .ThenByDescending(row => row.IsAway)
                        .ThenByDescending(row => row.Migrations ?? 0)
                        .ThenByDescending(row => row.Who.Length > 0)
                ),
            },
        ];
    }

    private static IOrderedEnumerable<TopRow> ByName(IOrderedEnumerable<TopRow> rows) =>
        rows.ThenBy(row => row.Vm, StringComparer.Ordinal)
            .ThenBy(row => row.Pid)
            .ThenBy(row => row.Index);

    private static string Who(
        NodeStatus status,
        NodeMap map,
        VmStatus vm,
        ThreadStatus thread,
        double? waited
    )
    {
        if (thread.Wanted is not { } wanted)
        {
            return vm.Message ?? "";
        }

        if (!wanted.Equals(thread.Actual))
        {
            return $"belongs on {wanted}: {vm.Reason?.ToString() ?? thread.Outcome?.ToString() ?? "-"}";
        }

        var online = wanted.Intersect(status.Topology.Online);
        var others = online
            .SelectMany(cpu => map[cpu].Owners)
            .Select(owner => status.Vms[owner.Vm])
            .Where(other => other.Pid != vm.Pid)
            .Select(other => $"{other.Namespace}/{other.Name}")
            .Distinct();
        var violations = status
            .Violations.Where(violation =>
                violation.Cpus.Overlaps(wanted)
                // For whom nobody waits, that one doesn't disturb.
                && (waited is null or >= Felt || !Verdict.IsOnlyPossible(violation.Kind))
            )
            .Select(violation => violation.Message);
        // Who was seen running there comes before those who may.
        var ran =
            status
                .Waits?.Ran.Where(one => one.Pid != vm.Pid && wanted.Contains(one.Cpu))
                .Select(Disturbance.Describe)
            ?? [];
        return string.Join("; ", ran.Concat(others).Concat(violations));
    }
}
