using System.Collections.Immutable;
using System.Globalization;
using PinAgent.Model.Node;
using PinAgent.Model.Vm;

namespace PinAgent.Report.Proof;

/// <summary>
/// Judges from two samples whether pinning works: every vCPU alone on one CPU, never moved, never held up. Pure.
/// </summary>
internal static class PinningProof
{
    // Of the time measured. Housekeeping of the kernel takes a little on every CPU, and busy time is counted in hundredths
    // of a second.
    private const double MostWait = 0.001;
    private const double MostForeign = 0.01;

    /// <summary>Judges.</summary>
    /// <param name="after">The second.</param>
    /// <param name="seconds">How long it is after the first.</param>
    public static ProofStatus Of(
        ObservedVm vm,
        (string Namespace, string Name) fullName,
        ProofSample before,
        ProofSample after,
        double seconds
    )
    {
        var vcpus = vm
            .Threads.Where(thread => thread.Role == ThreadRole.Vcpu)
            .OrderBy(thread => thread.Index)
            .Select(thread => Judge(thread, before, after, seconds))
            .ToImmutableArray();
        (long Periods, double Seconds)? throttled =
            before.Throttled is { } first && after.Throttled is { } last
                ? (last.Periods - first.Periods, last.Seconds - first.Seconds)
                : null;
        var problems = vcpus
            .Where(vcpu => vcpu.Problem is not null)
            .Select(vcpu => $"vCPU {vcpu.Index} {vcpu.Problem}")
            .ToList();
        if (throttled is { Periods: > 0 } held)
        {
            problems.Insert(
                0,
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"the container was held back by its CPU limit in {held.Periods} periods, {held.Seconds:0.###} s in all"
                )
            );
        }

        if (vcpus.IsEmpty)
        {
            problems.Add("no vCPU thread was found");
        }

        return new ProofStatus(
            fullName.Namespace,
            fullName.Name,
            vm.Key.Pid,
            seconds,
            problems.Count == 0,
            problems.Count == 0
                ? $"pinning works: {vcpus.Length} vCPUs each had their CPU to themselves"
                : $"pinning is spoiled: {string.Join("; ", problems)}",
            vcpus,
            throttled?.Periods,
            throttled?.Seconds
        );
    }

    private static VcpuProof Judge(
        VmThread thread,
        ProofSample before,
        ProofSample after,
        double seconds
    )
    {
        if (
            !before.Threads.TryGetValue(thread.Tid, out var first)
            || !after.Threads.TryGetValue(thread.Tid, out var last)
            || first.StartTime != last.StartTime
        )
        {
            return Unmeasured(thread, "ended while it was measured");
        }

        var run = last.RunSeconds - first.RunSeconds;
        var wait = last.WaitSeconds - first.WaitSeconds;
        int? cpu = thread.Affinity is { Count: 1 } one ? one.First() : null;
        double? foreign = cpu is { } id
            ? Math.Max(
                0,
                after.BusySeconds.GetValueOrDefault(id)
                    - before.BusySeconds.GetValueOrDefault(id)
                    - run
            )
            : null;
        var worst = cpu is { } place ? Worst(thread.Tid, place, before, after) : null;
        var migrations = last.Migrations - first.Migrations;
        return new VcpuProof(
            thread.Index ?? 0,
            thread.Tid,
            thread.Affinity?.ToString(),
            run,
            wait,
            migrations,
            last.InvoluntarySwitches - first.InvoluntarySwitches,
            cpu is { } own
                ? after.Interrupts.GetValueOrDefault(own) - before.Interrupts.GetValueOrDefault(own)
                : null,
            foreign,
            worst,
            Problem()
        );

        string? Problem() =>
            cpu is null ? $"isn't pinned: it may run on {thread.Affinity}"
            : migrations > 0 ? $"changed its CPU {migrations} times"
            : wait > MostWait * seconds ? Said($"waited {wait:0.###} s for CPU {cpu}")
            : foreign > MostForeign * seconds
                ? Said($"shared CPU {cpu}, on which something else ran for {foreign:0.##} s")
            : null;

        string Said(FormattableString text) =>
            text.ToString(CultureInfo.InvariantCulture)
            + (
                worst is null
                    ? ""
                    : $", most of all {worst.Comm} (thread {worst.Tid} of process {worst.Pid})"
            );
    }

    private static ForeignThread? Worst(int vcpu, int cpu, ProofSample before, ProofSample after) =>
        after
            .Threads.Where(thread =>
                thread.Key != vcpu
                && (
                    thread.Value.Cpu == cpu
                    || before.Threads.GetValueOrDefault(thread.Key)?.Cpu == cpu
                )
            )
            .Select(thread => new ForeignThread(
                thread.Key,
                thread.Value.Pid,
                thread.Value.Comm,
                thread.Value.RunSeconds
                    - (
                        before.Threads.TryGetValue(thread.Key, out var old)
                        && old.StartTime == thread.Value.StartTime
                            ? old.RunSeconds
                            : 0
                    )
            ))
            .Where(thread => thread.RunSeconds > 0)
            .MaxBy(thread => thread.RunSeconds);

    private static VcpuProof Unmeasured(VmThread thread, string problem) =>
        new(
            thread.Index ?? 0,
            thread.Tid,
            thread.Affinity?.ToString(),
            0,
            0,
            null,
            null,
            null,
            null,
            null,
            problem
        );
}
