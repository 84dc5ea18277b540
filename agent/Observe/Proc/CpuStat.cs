using PinAgent.Observe.Cgroups;
using PinAgent.Observe.Files;

namespace PinAgent.Observe.Proc;

/// <summary>
/// <c>cpu.stat</c> of a process's cgroup and of those above it, of which each may have a CPU limit: how often, and how long,
/// they have held their threads back. Sources: the kernel's <c>Documentation/admin-guide/cgroup-v2.rst</c>, "cpu.stat", and
/// <c>Documentation/scheduler/sched-bwc.rst</c>.
/// </summary>
internal sealed class CpuStat(HostFiles files)
{
    private readonly CgroupHierarchy? _cgroups = CgroupHierarchy.TryOpen(files, out _);

    /// <summary>The periods and seconds in which a process's cgroups were held back; null where nobody counts that.</summary>
    public (long Periods, double Seconds)? ReadThrottled(int pid)
    {
        (long Periods, double Seconds)? sum = null;
        files.ReadText($"/proc/{pid}/cgroup", out var text);
        foreach (var line in text.Split('\n'))
        {
            var parts = line.Split(':', 3);
            if (parts.Length < 3)
            {
                continue;
            }

            // v2 has one hierarchy, v1 one for the controller, under the name it's linked to.
            var isV1 = parts[1].Split(',').Contains("cpu", StringComparer.Ordinal);
            if (!isV1 && parts[1].Length > 0)
            {
                continue;
            }

            var path = (_cgroups?.Resolve(parts[2]) ?? parts[2]).TrimEnd('/');
            for (; path.Length > 0; path = path[..Math.Max(0, path.LastIndexOf('/'))])
            {
                if (Read($"/sys/fs/cgroup{(isV1 ? "/cpu" : "")}{path}/cpu.stat") is { } own)
                {
                    sum = ((sum?.Periods ?? 0) + own.Periods, (sum?.Seconds ?? 0) + own.Seconds);
                }
            }
        }

        return sum;
    }

    private (long Periods, double Seconds)? Read(string path) =>
        files.ReadText($"{path}", out var stat).IsSuccess
        && NamedNumber.Find(stat, "nr_throttled") is { } periods
            ? (
                periods,
                NamedNumber.Find(stat, "throttled_usec") / 1e6
                    ?? NamedNumber.Find(stat, "throttled_time") / 1e9
                    ?? 0
            )
            : null;
}
