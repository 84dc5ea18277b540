using System.Collections.Frozen;
using System.Globalization;
using PinAgent.Model.Text;
using PinAgent.Model.Vm;
using PinAgent.Observe.Files;
using PinAgent.Observe.Proc;
using PinAgent.Report.Status;

namespace PinAgent.Cli.Top;

/// <summary>What this machine's kernel has counted up to a moment, beside what the agent tells.</summary>
/// <param name="Migrations">By thread, how often it changed its CPU; only those of which that could be read.</param>
/// <param name="Stolen">By CPU, the ticks in which the machine's own host ran something else there, and all ticks.</param>
internal sealed record KernelCounts(
    FrozenDictionary<int, long> Migrations,
    FrozenDictionary<int, (long Stolen, long All)> Stolen
)
{
    // What a picture costs is bounded, however many vCPUs tenants have; one costs some 10 µs.
    private const int MostThreads = 512;

    // Of cpu0 and its like, in proc_stat(5): the 8th is steal, those after it are in others already.
    private const int StealField = 8;

    private static readonly char[] Blanks = [' ', '\t'];

    /// <summary>Nothing could be read.</summary>
    public static KernelCounts None { get; } =
        new(
            FrozenDictionary<int, long>.Empty,
            FrozenDictionary<int, (long Stolen, long All)>.Empty
        );

    /// <summary>Reads them.</summary>
    /// <param name="status">Whose threads are looked at: the vCPUs of dedicated VMs.</param>
    public static KernelCounts Read(HostFiles files, NodeStatus status)
    {
        var migrations = new Dictionary<int, long>();
        var vcpus = status
            .Vms.Where(vm => vm.Dedicated)
            .SelectMany(vm => vm.Threads.Select(thread => (vm.Pid, Thread: thread)))
            .Where(at => at.Thread.Role == ThreadRole.Vcpu)
            .Take(MostThreads);
        foreach (var (pid, thread) in vcpus)
        {
            if (
                files.ReadText($"/proc/{pid}/task/{thread.Tid}/sched", out var sched).IsSuccess
                && IsOf(sched, thread)
                && NamedNumber.Find(sched, "se.nr_migrations") is { } count
            )
            {
                migrations[thread.Tid] = count;
            }
        }

        files.ReadText($"/proc/stat", out var stat);
        return new(migrations.ToFrozenDictionary(), ParseStolen(stat));
    }

    /// <summary>How often a thread changed its CPU between the two; null if that isn't known.</summary>
    public static long? Moves(KernelCounts before, KernelCounts after, int tid) =>
        before.Migrations.TryGetValue(tid, out var then)
        && after.Migrations.TryGetValue(tid, out var now)
        && now >= then
            ? now - then
            : null;

    /// <summary>The share of the time between the two in which a CPU was taken from this machine; null if that isn't known.</summary>
    public static double? Share(KernelCounts before, KernelCounts after, int cpu) =>
        before.Stolen.TryGetValue(cpu, out var then)
        && after.Stolen.TryGetValue(cpu, out var now)
        && now.All > then.All
        && now.Stolen >= then.Stolen
            ? Math.Min(1, (now.Stolen - then.Stolen) / (double)(now.All - then.All))
            : null;

    /// <summary>Whether any of the CPUs was ever taken: on a machine that has no host of its own, none is.</summary>
    public bool HasSteal => Stolen.Values.Any(cpu => cpu.Stolen > 0);

    internal static FrozenDictionary<int, (long Stolen, long All)> ParseStolen(string stat)
    {
        var cpus = new Dictionary<int, (long, long)>();
        foreach (var line in stat.Split('\n'))
        {
            var fields = line.Split(Blanks, StringSplitOptions.RemoveEmptyEntries);
            if (
                fields.Length > StealField
                && fields[0].StartsWith("cpu", StringComparison.Ordinal)
                && int.TryParse(
                    fields[0][3..],
                    NumberStyles.None,
                    CultureInfo.InvariantCulture,
                    out var cpu
                )
            )
            {
                var ticks = fields[1..(StealField + 1)].Select(Number).ToArray();
                cpus[cpu] = (ticks[^1], ticks.Aggregate((sum, next) => unchecked(sum + next)));
            }
        }

        return cpus.ToFrozenDictionary();
    }

    // In another PID namespace than the agent's the id may be another thread's.
    private static bool IsOf(string sched, ThreadStatus thread) =>
        Words
            .Printable(sched)
            .StartsWith(
                $"{Words.Printable(thread.Comm)} ({thread.Tid}, ",
                StringComparison.Ordinal
            );

    private static long Number(string text) =>
        long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number)
            ? number
            : 0;
}
