using System.Collections.Immutable;
using PinAgent.Model.Vm;
using PinAgent.Report.Status;

namespace PinAgent.Report.Waits;

/// <summary>A dedicated VM whose vCPU waited longer in the last minute than it has to, and who may have been in its way. Pure.</summary>
/// <param name="Worst">Its vCPU that waited most.</param>
/// <param name="Cpu">The CPU that it's pinned to; null if it isn't.</param>
/// <param name="Suspects">Who else may run there, other VMs first.</param>
internal sealed record Disturbance(
    VmStatus Vm,
    ThreadStatus Worst,
    int? Cpu,
    ImmutableArray<string> Suspects
)
{
    private const int MostSuspects = 3;

    /// <summary>The share of the last minute.</summary>
    public double Minute => Worst.Wait!.Minute;

    /// <summary>What happened: <c>default/vm1's vCPU 3 waited 12 % of the last minute on CPU 7</c>.</summary>
    public string Describe(WaitsStatus waits) =>
        $"{Vm.Namespace}/{Vm.Name}'s vCPU {Worst.Index ?? 0} waited {WaitWords.Percent(Minute)} of the last "
        + $"{WaitWords.Span(waits)}{(Cpu is { } cpu ? $" on CPU {cpu}" : "")}";

    /// <summary>Who was seen running there, the busiest first.</summary>
    public ImmutableArray<RanStatus> Ran { get; init; } = [];

    /// <summary>Who ran there, or, where nobody was seen, who may: null if nobody is known.</summary>
    public string? Blame =>
        Ran.IsEmpty
            ? MayRun
            : $"there ran {string.Join("; ", Ran.Take(MostSuspects).Select(Describe))}"
                + (Ran.Length > MostSuspects ? $"; {Ran.Length - MostSuspects} more" : "");

    /// <summary>One who ran there: <c>backup (pid 812, 98 % of CPU 7)</c>.</summary>
    public static string Describe(RanStatus ran) =>
        $"{ran.Name} (pid {ran.Pid}, {WaitWords.Percent(ran.Share)} of CPU {ran.Cpu})";

    /// <summary>Who may run there: <c>on CPU 7 may run host/builder (4 threads) and backup (pid 812, 1 thread)</c>; null if nobody is known.</summary>
    public string? MayRun =>
        Cpu is not { } cpu || Suspects.IsEmpty
            ? null
            : $"on CPU {cpu} may run {string.Join("; ", Suspects.Take(MostSuspects))}"
                + (
                    Suspects.Length > MostSuspects ? $"; {Suspects.Length - MostSuspects} more" : ""
                );

    /// <summary>Those of a status, the worst first.</summary>
    public static ImmutableArray<Disturbance> Of(NodeStatus status) =>
        [
            .. status
                .Vms.Where(vm => vm.Dedicated)
                .Select(vm => (Vm: vm, Worst: WaitWords.Worst(vm)))
                .Where(vm => vm.Worst is { Wait.Minute: >= WaitWords.Disturbed })
                .OrderByDescending(vm => vm.Worst!.Wait!.Minute)
                .Select(vm => Of(status, vm.Vm, vm.Worst!)),
        ];

    /// <summary>The CPU that a thread is pinned to; null if it isn't.</summary>
    public static int? CpuOf(ThreadStatus thread) =>
        thread.Actual is { Count: 1 } only ? only.First() : null;

    /// <summary>A VM of a status, whose vCPU waits.</summary>
    public static Disturbance Of(NodeStatus status, VmStatus vm, ThreadStatus worst)
    {
        var cpu = CpuOf(worst);
        return new Disturbance(vm, worst, cpu, cpu is { } at ? [.. Suspect(status, vm, at)] : [])
        {
            Ran = [.. status.Waits?.Ran.Where(ran => ran.Cpu == cpu && ran.Pid != vm.Pid) ?? []],
        };
    }

    private static IEnumerable<string> Suspect(NodeStatus status, VmStatus vm, int cpu)
    {
        foreach (var other in status.Vms.Where(other => other.Pid != vm.Pid))
        {
            var threads = other.Threads.Count(thread => thread.Actual?.Contains(cpu) is true);
            if (threads > 0)
            {
                yield return $"{other.Namespace}/{other.Name} ({threads} {(threads == 1 ? "thread" : "threads")})";
            }
        }

        var own = vm.Threads.Count(thread =>
            thread.Role != ThreadRole.Vcpu && thread.Actual?.Contains(cpu) is true
        );
        if (own > 0)
        {
            yield return $"{own} of the VM's own threads";
        }

        foreach (
            var violation in status.Violations.Where(one =>
                one is { Kind: Model.Node.ViolationKind.Stranger, By: not null }
                && one.Cpus.Contains(cpu)
            )
        )
        {
            yield return violation.By!;
        }
    }
}
