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
    public static ProofStatus Of(
        ObservedVm vm,
        (string Namespace, string Name) fullName,
        ProofSample before,
        ProofSample after,
        WitnessStatus? witness = null,
        string? withoutWitness = null
    )
    {
        // From the first moment to the last, so that nothing that was counted took longer.
        var seconds = (after.Ended - before.Began).TotalSeconds;
        var vcpus = vm
            .Threads.Where(thread => thread.Role == ThreadRole.Vcpu)
            .OrderBy(thread => thread.Index)
            .Select(thread => Judge(thread, before, after, seconds, witness))
            .ToImmutableArray();
        (long Periods, double Seconds)? throttled =
            before.Throttled is { } first && after.Throttled is { } last
                ? (last.Periods - first.Periods, last.Seconds - first.Seconds)
                : null;
        var problems = vcpus
            .Where(vcpu => vcpu.Problem is not null)
            .Select(vcpu => $"vCPU {vcpu.Index} {vcpu.Problem}")
            .ToList();
        problems.AddRange(TooLong(witness));
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
            throttled?.Seconds,
            witness,
            withoutWitness
        );
    }

    private static VcpuProof Judge(
        VmThread thread,
        ProofSample before,
        ProofSample after,
        double seconds,
        WitnessStatus? witness
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
        double? foreign =
            cpu is { } id
            && before.BusySeconds.TryGetValue(id, out var busyBefore)
            && after.BusySeconds.TryGetValue(id, out var busyAfter)
                // Counted in hundredths of a second, and nothing else runs while the vCPU does.
                ? Math.Max(0, Math.Min(busyAfter - busyBefore, seconds) - run)
                : null;
        var worst =
            cpu is not { } place ? null
            : witness is null ? Worst(thread.Tid, place, before, after, seconds)
            : Seen(thread.Tid, place, witness);
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
            && before.Interrupts.TryGetValue(own, out var served)
            && after.Interrupts.TryGetValue(own, out var servedSince)
                ? servedSince - served
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

    // Of each vCPU the longest wait, with whom it was for: a vCPU that waits too long often does so because of one.
    private static IEnumerable<string> TooLong(WitnessStatus? witness) =>
        witness is not { Limit: { } limit }
            ? []
            : witness
                .Vcpus.Where(vcpu => WitnessReport.Longest(vcpu) > limit)
                .Select(vcpu =>
                {
                    var wait = witness.Worst.FirstOrDefault(one => one.Vcpu == vcpu.Index);
                    return $"vCPU {vcpu.Index} waited {DurationText.Of(WitnessReport.Longest(vcpu))} at the longest, "
                        + $"more than {DurationText.Of(limit)}"
                        + (wait?.By is { } by ? $", for {by.Comm} (pid {by.Pid})" : "");
                });

    // The kernel saw who ran there, and doesn't have to be guessed at.
    private static ForeignThread? Seen(int vcpu, int cpu, WitnessStatus witness) =>
        witness
            .Cpus.Where(use => use.Cpu == cpu)
            .SelectMany(use => use.Ran)
            .Where(one => one.Tid != vcpu)
            .Select(one => new ForeignThread(one.Tid, one.Pid, one.Comm, one.Ran))
            .FirstOrDefault();

    private static ForeignThread? Worst(
        int vcpu,
        int cpu,
        ProofSample before,
        ProofSample after,
        double seconds
    )
    {
        // One that isn't in the first sample and is older wasn't read there: when it ran isn't known.
        var newest = before
            .Threads.Values.Select(thread => thread.StartTime)
            .DefaultIfEmpty()
            .Max();
        return after
            .Threads.Where(thread =>
                thread.Key != vcpu
                && (
                    thread.Value.StartTime >= newest
                    || before.Threads.GetValueOrDefault(thread.Key)?.StartTime
                        == thread.Value.StartTime
                )
                && (
                    thread.Value.Cpu == cpu
                    || before.Threads.GetValueOrDefault(thread.Key)?.Cpu == cpu
                )
            )
            .Select(thread => new ForeignThread(
                thread.Key,
                thread.Value.Pid,
                thread.Value.Comm,
                Math.Min(
                    seconds,
                    thread.Value.RunSeconds
                        - (
                            before.Threads.TryGetValue(thread.Key, out var old)
                            && old.StartTime == thread.Value.StartTime
                                ? old.RunSeconds
                                : 0
                        )
                )
            ))
            .Where(thread => thread.RunSeconds > 0)
            .MaxBy(thread => thread.RunSeconds);
    }

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
