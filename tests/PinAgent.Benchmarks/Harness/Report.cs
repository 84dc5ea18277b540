using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;

namespace PinAgent.Benchmarks.Harness;

/// <summary>Gathers the figures, and writes them as Markdown with the machine's name.</summary>
internal sealed class Report
{
    private readonly StringBuilder _rows = new();
    private string _busy = "";

    /// <summary>Says which benchmark begins, and looks for a second how busy the machine is without it.</summary>
    public void Begin(string name)
    {
        var (idleBefore, allBefore) = CpuTicks();
        Thread.Sleep(TimeSpan.FromSeconds(1));
        var (idle, all) = CpuTicks();
        _busy = $"{100 - (100 * (idle - idleBefore) / (all - allBefore)):0} %";
        Console.Error.WriteLine($"benchmarks: {name} (others use {_busy} of the CPUs)");
    }

    /// <summary>Adds a row.</summary>
    public void Add(Figure figure)
    {
        _rows.AppendLine(
            CultureInfo.InvariantCulture,
            $"| {figure.What} | {figure.Goal ?? "–"} | {figure.Measured} | {_busy} |"
        );
        Console.Error.WriteLine($"  {figure.What}: {figure.Measured}");
    }

    /// <summary>The whole text.</summary>
    public string ToMarkdown(bool isQuick) =>
        $"""
            # Benchmarks

            `tests/benchmarks.sh` on {Machine()}.{(
                isQuick ? " With `--quick`: no figures to go by." : ""
            )}

            Figures are medians, with the least and the greatest in brackets; those against something else are of runs in turn, and
            the ratio of the medians comes first. "Others" is how much of the CPUs was in use in the second before a benchmark: on a
            quiet machine nearly nothing.

            | what | goal | measured | others |
            |---|---|---|---|
            {_rows}
            {Notes}

            """;

    private const string Notes = """
        - The agent is the native program of the image, run by itself (`--standalone`): no cluster, so no watches of an API.
        - 50 dedicated VMs want a hundred CPUs. Their processes, threads and cgroups are real, but what the agent reads of CPUs and
          cpusets are files of the benchmark's own, so it's in audit mode: it reads and plans all, and sets nothing.
        - The burst is of one VM, since two CPUs have room for one. Its threads exist before they name themselves, so the agent has to
          read all of them at the first name, a 25th of the full pass, on the CPUs on which the others still name themselves. A QEMU
          that starts names each thread as it makes it: the row below.
        - A mask set by hand is looked for each second, and ten times as often in a VM's first five: each time it's another guest,
          which has run for longer.
        - Two thirds of what the agent uses when idle are system calls, half of them the `sched_getaffinity` of each thread each
          second, which nothing else tells of.
        - Waits and page are measured in the benchmark's process (JIT): on a busy machine only the ratios are worth something.
        - After a cpuset has changed, Linux since 6.2 itself puts the masks right that it can. The agent's status says so later.
        - The vCPU is a thread that a timer wakes each millisecond, which then works; each figure is the median of several runs'.
          The guest has two CPUs to itself, as the kubelet gives them. Not pinned, the vCPU shares them with the two busy threads of its
          QEMU; pinned, it is alone on one. So the gain is that of `isolateEmulatorThread`: where QEMU has nothing to do there's
          little to gain, and where other processes may run on the vCPU's CPU, pinning doesn't keep them away. Both CPUs are kept
          from sleeping (by processes at SCHED_IDLE). Where they aren't, a pinned vCPU that waits alone lets its CPU fall asleep, and
          to wake that costs more than to take it from somebody: hence `idle=poll` in guests and hosts for real time.
          This machine is itself a guest, whose host takes its CPUs away at times: that is in the longest of all.
        """;

    // The first line of proc_stat(5): user, nice, system, idle, iowait and others.
    private static (double Idle, double All) CpuTicks()
    {
        double[] ticks =
        [
            .. File.ReadLines("/proc/stat")
                .First()
                .Split(' ', StringSplitOptions.RemoveEmptyEntries)[1..]
                .Select(double.Parse),
        ];
        return (ticks[3] + ticks[4], ticks.Sum());
    }

    private static string Machine() =>
        $"{Environment.ProcessorCount} CPUs ({Line("/proc/cpuinfo", "model name")}), "
        + $"{long.Parse(Line("/proc/meminfo", "MemTotal").Split(' ')[0]) >> 20} GiB, "
        + $"Linux {File.ReadAllText("/proc/sys/kernel/osrelease").Trim()}, {RuntimeInformation.FrameworkDescription}";

    private static string Line(string file, string key) =>
        File.ReadLines(file)
            .Where(line => line.StartsWith(key, StringComparison.Ordinal))
            .Select(line => line[(line.IndexOf(':') + 1)..].Trim())
            .FirstOrDefault("unknown");
}
