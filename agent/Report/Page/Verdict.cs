using System.Collections.Immutable;
using PinAgent.Model.Cpu;
using PinAgent.Model.Kubernetes;
using PinAgent.Model.Node;
using PinAgent.Model.Vm;
using PinAgent.Report.Map;
using PinAgent.Report.Status;

namespace PinAgent.Report.Page;

/// <summary>Whether a node needs somebody.</summary>
internal enum Health
{
    /// <summary>No.</summary>
    Fine,

    /// <summary>It isn't as it should be, by choice or for a while.</summary>
    Attention,

    /// <summary>A VM doesn't get what it was promised.</summary>
    Problem,
}

/// <summary>The node in one sentence. Pure.</summary>
/// <param name="Health">Whether somebody is needed.</param>
/// <param name="Sentence">How the dedicated VMs stand.</param>
/// <param name="Remarks">What else isn't as it should be.</param>
internal sealed record Verdict(Health Health, string Sentence, ImmutableArray<string> Remarks)
{
    private const int Named = 3;

    /// <summary>The verdict on a status.</summary>
    public static Verdict Of(NodeStatus status, NodeMap map)
    {
        var missing = status.Vms.Where(IsMissing).ToList();
        var conflicts = CpuSet.Of(map.Cpus.Where(cpu => cpu.IsContested).Select(cpu => cpu.Id));
        ImmutableArray<string> remarks = [.. Remark(status, conflicts)];
        var health =
            missing.Exists(vm => vm.State != VmState.Waiting && vm.Dedicated)
            || status.Violations.Any(violation => !OnlyDisturbs(violation.Kind))
            || !conflicts.IsEmpty
                ? Health.Problem
            : missing.Count > 0 || !remarks.IsEmpty ? Health.Attention
            : Health.Fine;
        return new Verdict(health, Sentences(status, missing), remarks);
    }

    /// <summary>Whether a VM isn't pinned that is dedicated, or may be: the API server hasn't told.</summary>
    private static bool IsMissing(VmStatus vm) =>
        vm.Dedicated
            ? vm.State != VmState.Pinned
            : vm.State != VmState.NotDedicated || vm.Reason == Reason.ApiUnanswered;

    // It has its CPUs, and may lose some time there to others.
    private static bool OnlyDisturbs(ViolationKind kind) =>
        kind
            is ViolationKind.Stranger
                or ViolationKind.Helper
                or ViolationKind.Confined
                or ViolationKind.Emulator
                or ViolationKind.Interrupts;

    private static string Sentences(NodeStatus status, List<VmStatus> missing)
    {
        var dedicated = status.Vms.Count(vm => vm.Dedicated);
        var pinned = status.Vms.Count(vm => vm is { Dedicated: true, State: VmState.Pinned });
        var count = (dedicated, pinned) switch
        {
            (0, _) when status.Vms.IsEmpty => "No VM runs on this node",
            (0, _) => "No dedicated VM runs on this node",
            (1, 1) => "The only dedicated VM is pinned",
            _ when dedicated == pinned => $"All {dedicated} dedicated VMs are pinned",
            _ => $"{pinned} of {dedicated} dedicated {(dedicated == 1 ? "VM" : "VMs")} pinned",
        };
        IEnumerable<string> parts =
        [
            count,
            .. missing
                .Take(Named)
                .Select(vm =>
                    $"{vm.Namespace}/{vm.Name} isn't: {vm.Reason?.ToString() ?? vm.State.ToString()}"
                ),
            .. missing.Count > Named ? [$"{missing.Count - Named} more aren't"] : (string[])[],
        ];
        return string.Join("; ", parts) + ".";
    }

    private static IEnumerable<string> Remark(NodeStatus status, CpuSet conflicts)
    {
        if (!conflicts.IsEmpty)
        {
            yield return $"more than one VM has {(conflicts.Count == 1 ? "CPU" : "CPUs")} {conflicts}";
        }

        if (status.Violations.Length is > 0 and var violations)
        {
            yield return violations == 1 ? "1 violation" : $"{violations} violations";
        }

        if (status.Cluster is { State: not SyncState.Synced } cluster)
        {
            yield return cluster.Since is { } since
                ? $"the API server is out of reach since {NodeHtml.Time(since)}"
                : "the API server hasn't told everything yet";
        }

        if (status.Labels.Values.Any(label => label.IsWrong))
        {
            yield return "a node label is wrong";
        }

        if (status.Notices.Length is > 0 and var notices)
        {
            yield return notices == 1 ? "1 notice" : $"{notices} notices";
        }
    }
}
