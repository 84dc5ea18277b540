using System.Collections.Frozen;
using System.Globalization;
using PinAgent.Report.Status;

namespace PinAgent.Report.Waits;

/// <summary>Waits in figures and words. Pure.</summary>
internal static class WaitWords
{
    /// <summary>From this share of the last minute on, a vCPU is disturbed.</summary>
    public const double Disturbed = 0.01;

    /// <summary>From this share on, its VM doesn't have its CPU to itself.</summary>
    public const double Starved = 0.05;

    private static readonly TimeSpan Lately = TimeSpan.FromHours(24);

    // Where the steps of the map's colours begin; the last two are those of the verdict.
    private static readonly double[] Steps = [0.001, 0.005, Disturbed, Starved, 0.2];

    /// <summary>The steps of the map's colours, in words, from the lowest.</summary>
    public static IReadOnlyList<string> Levels { get; } =
    ["under 0.1 %", "from 0.1 %", "from 0.5 %", "from 1 %", "from 5 %", "from 20 %"];

    /// <summary>Which of <see cref="Levels"/> a share has.</summary>
    public static int Level(double share) => Steps.Count(step => share >= step);

    /// <summary>A share as people read it: <c>0.2 %</c>, <c>12 %</c>.</summary>
    public static string Percent(double share) => $"{Number(share)} %";

    /// <summary>The same rounded up, for what isn't exceeded.</summary>
    public static string AtMost(double share) =>
        Percent(
            share < 0.0995
                ? Math.Ceiling((share * 1000) - 1e-6) / 1000
                : Math.Ceiling((share * 100) - 1e-6) / 100
        );

    /// <summary>The same without the sign, where there's little room.</summary>
    public static string Number(double share) =>
        (share * 100).ToString(share < 0.0995 ? "0.0" : "0", CultureInfo.InvariantCulture);

    /// <summary>The sentence: <c>waited 12 % of the last 5 s and 3.1 % of the last minute</c>.</summary>
    public static string Describe(VcpuWait wait) =>
        $"waited {Percent(wait.Share)} at the last look, {Percent(wait.Minute)} of the last minute";

    /// <summary>The time the minutes are of: <c>minute</c>, or <c>15 s</c> right after the agent's start.</summary>
    public static string Span(WaitsStatus waits) =>
        waits.Seconds >= 60 ? "minute" : $"{waits.Seconds} s";

    /// <summary>The vCPU of a VM that waited most in the last minute; null if nothing is known.</summary>
    public static ThreadStatus? Worst(VmStatus vm) =>
        vm.Threads.Where(thread => thread.Wait is not null).MaxBy(thread => thread.Wait!.Minute);

    /// <summary>Whether a VM is slow, or was in the last day.</summary>
    public static bool WasSlow(VmStatus vm, NodeStatus status) =>
        vm.Slow is { } slow
        && (slow.Until is null || status.Waits is not { } waits || waits.At - slow.Until < Lately);

    /// <summary>The worst wait of the vCPUs that are pinned to a CPU, by CPU.</summary>
    public static FrozenDictionary<int, VcpuWait> ByCpu(NodeStatus status) =>
        status
            .Vms.SelectMany(vm => vm.Threads)
            .Where(thread => thread is { Wait: not null, Actual.Count: 1 })
            .GroupBy(thread => thread.Actual!.First())
            .ToFrozenDictionary(
                cpu => cpu.Key,
                cpu => cpu.Select(thread => thread.Wait!).MaxBy(wait => wait.Share)!
            );
}
