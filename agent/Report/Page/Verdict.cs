using System.Collections.Immutable;
using PinAgent.Apply;
using PinAgent.Model.Cpu;
using PinAgent.Model.Kubernetes;
using PinAgent.Model.Node;
using PinAgent.Model.Text;
using PinAgent.Model.Vm;
using PinAgent.Report.Map;
using PinAgent.Report.Status;
using PinAgent.Report.Waits;

namespace PinAgent.Report.Page;

/// <summary>Whether a node needs somebody.</summary>
internal enum Health
{
    /// <summary>No.</summary>
    Fine,

    /// <summary>It isn't as it should be, by choice or for a while.</summary>
    Attention,

    /// <summary>A VM isn't pinned, or not alone on its CPUs.</summary>
    Problem,
}

/// <summary>The node in one sentence. Pure.</summary>
/// <param name="Health">Whether somebody is needed.</param>
/// <param name="Sentence">How the dedicated VMs stand.</param>
/// <param name="Remarks">What else isn't as it should be.</param>
internal sealed record Verdict(Health Health, string Sentence, ImmutableArray<string> Remarks)
{
    private const int Named = 3;
    private const int Blamed = 2;

    /// <summary>The verdict on a status.</summary>
    /// <param name="timeOf">How a time is said; in UTC without it.</param>
    public static Verdict Of(
        NodeStatus status,
        NodeMap map,
        Func<DateTimeOffset, string>? timeOf = null
    )
    {
        timeOf ??= Times.Utc;
        var isAudit = status.Mode == AgentMode.Audit;
        var waiting = isAudit ? status.Vms.Where(IsAudited).ToList() : [];
        var missing = status.Vms.Where(IsMissing).Except(waiting).ToList();
        var conflicts = CpuSet.Of(map.Cpus.Where(cpu => cpu.IsContested).Select(cpu => cpu.Id));
        var disturbed = Disturbance.Of(status);
        var violations = status
            .Violations.CountBy(one => SeverityOf(one, status, disturbed))
            .ToDictionary();
        ImmutableArray<string> remarks = [.. Remark(status, conflicts, violations, timeOf)];
        var health =
            missing.Exists(vm => vm.State != VmState.Waiting && vm.Dedicated)
            || violations.ContainsKey(Severity.Broken)
            || disturbed.Any(vm => vm.Minute >= WaitWords.Starved)
            || !conflicts.IsEmpty
                ? Health.Problem
            : isAudit
            || missing.Count > 0
            || !disturbed.IsEmpty
            || !remarks.IsEmpty
            || status.Vms.Any(vm => vm.Slow is { Until: null })
                ? Health.Attention
            : Health.Fine;
        return new Verdict(
            health,
            Sentences(status, missing, disturbed, waiting),
            [
                .. disturbed.Take(Blamed).Select(vm => vm.Blame).OfType<string>(),
                .. Slow(status, timeOf),
                .. remarks,
                .. violations.TryGetValue(Severity.Possible, out var possible)
                && health == Health.Fine
                    ? (string[])
                        [
                            $"{possible} possible {(possible == 1 ? "disturbance" : "disturbances")}, none measured",
                        ]
                    : [],
            ]
        )
        {
            OnlyAudits = isAudit && health == Health.Attention && missing.Count == 0,
        };
    }

    /// <summary>Whether nothing but the mode keeps the node from being as it should be.</summary>
    public bool OnlyAudits { get; init; }

    /// <summary>Whether nothing but the mode keeps a VM from being pinned.</summary>
    public static bool IsAudited(VmStatus vm) =>
        vm is { Dedicated: true, Reason: Reason.AuditMode };

    /// <summary>
    /// How bad a violation is by what was measured: whoever may run on a vCPU's CPU and for whom it never waited hasn't
    /// disturbed it.
    /// </summary>
    public static Severity SeverityOf(
        Violation violation,
        NodeStatus status,
        IReadOnlyCollection<Disturbance> disturbed
    ) =>
        status.Waits is not null
        && IsOnlyPossible(violation.Kind)
        && !disturbed.Any(vm => vm.Cpu is not { } cpu || violation.Cpus.Contains(cpu))
            ? Severity.Possible
            : violation.Severity;

    /// <summary>Whether somebody only may run on a vCPU's CPU.</summary>
    public static bool IsOnlyPossible(ViolationKind kind) =>
        kind is ViolationKind.Stranger or ViolationKind.Helper or ViolationKind.Emulator;

    /// <summary>Whether a VM isn't pinned that is dedicated, or may be: the API server hasn't told.</summary>
    private static bool IsMissing(VmStatus vm) =>
        vm.Dedicated
            ? vm.State != VmState.Pinned
            : vm.State != VmState.NotDedicated || vm.Reason == Reason.ApiUnanswered;

    private static string Sentences(
        NodeStatus status,
        List<VmStatus> missing,
        ImmutableArray<Disturbance> disturbed,
        List<VmStatus> audited
    )
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
            .. audited.Count > 0 ? Audited(audited) : [],
            .. audited.Count == 0 || pinned > 0 ? [count] : (string[])[],
            .. missing
                .Take(Named)
                .Select(vm =>
                    $"{vm.Namespace}/{vm.Name} isn't: {vm.Reason?.ToString() ?? vm.State.ToString()}"
                ),
            .. missing.Count > Named ? [$"{missing.Count - Named} more aren't"] : (string[])[],
            .. Waits(status, disturbed),
        ];
        return string.Join("; ", parts) + ".";
    }

    private static string[] Audited(List<VmStatus> vms)
    {
        var moved = vms.Sum(vm => vm.Threads.Count(thread => thread.Outcome == Outcome.Planned));
        return
        [
            $"{vms.Count} {(vms.Count == 1 ? "VM" : "VMs")} would be pinned, {moved} "
                + (moved == 1 ? "thread moved" : "threads moved"),
        ];
    }

    private static IEnumerable<string> Waits(
        NodeStatus status,
        ImmutableArray<Disturbance> disturbed
    )
    {
        if (status.Waits is not { } waits)
        {
            return [];
        }

        if (!disturbed.IsEmpty)
        {
            return
            [
                disturbed[0].Describe(waits),
                .. disturbed.Length > 1
                    ? (string[])
                        [
                            $"{disturbed.Length - 1} more {(disturbed.Length == 2 ? "VM was" : "VMs were")} disturbed",
                        ]
                    : [],
            ];
        }

        var worst = status
            .Vms.Where(vm => vm.Dedicated)
            .Max(vm => WaitWords.Worst(vm)?.Wait?.Minute);
        return worst is { } share
            ?
            [
                $"no vCPU waited {(share == 0 ? "" : $"more than {WaitWords.AtMost(share)} ")}in the last {WaitWords.Span(waits)}",
            ]
            : [];
    }

    // Whoever asks why a VM was slow comes when it's over.
    private static IEnumerable<string> Slow(NodeStatus status, Func<DateTimeOffset, string> timeOf)
    {
        var slow = status
            .Vms.Where(vm => WaitWords.WasSlow(vm, status))
            .OrderByDescending(vm => vm.Slow!.Until ?? DateTimeOffset.MaxValue)
            .ThenBy(vm => vm.Slow!.From)
            .ToList();
        foreach (var vm in slow.Take(Named))
        {
            yield return $"{vm.Namespace}/{vm.Name} "
                + (
                    vm.Slow!.Until is { } until
                        ? $"was slow until {timeOf(until)}"
                        : $"has been slow since {timeOf(vm.Slow.From)}"
                );
        }

        if (slow.Count > Named)
        {
            yield return $"{slow.Count - Named} more were slow in the last day";
        }
    }

    private static IEnumerable<string> Remark(
        NodeStatus status,
        CpuSet conflicts,
        IReadOnlyDictionary<Severity, int> found,
        Func<DateTimeOffset, string> timeOf
    )
    {
        if (!conflicts.IsEmpty)
        {
            yield return $"more than one VM has {(conflicts.Count == 1 ? "CPU" : "CPUs")} {conflicts}";
        }

        if (
            found.GetValueOrDefault(Severity.Broken) + found.GetValueOrDefault(Severity.Disturbing)
            is > 0
                and var violations
        )
        {
            yield return violations == 1 ? "1 violation" : $"{violations} violations";
        }

        if (status.Cluster is { State: not SyncState.Synced } cluster)
        {
            yield return cluster.Since is { } since
                ? $"the API server is out of reach since {timeOf(since)}"
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
