using PinAgent.Model.Cpu;
using PinAgent.Observe.Files;

namespace PinAgent.Observe.Topology;

/// <summary>
/// Tells the kinds of core apart on machines that mix them: by the lists that Intel's have, or by Arm's relative capacity.
/// </summary>
/// <remarks>
/// Sources: <c>cpu_core</c>, <c>cpu_atom</c> and (Linux 6.13) <c>cpu_lowpower</c> of <c>arch/x86/events/intel/core.c</c>;
/// <c>cpu_capacity</c> of the kernel's <c>Documentation/scheduler/sched-capacity.rst</c>.
/// </remarks>
internal static class CoreKindReader
{
    // Cores of one design differ by a few per cent: the firmware lets some clock higher. The next design has a third less, or
    // half.
    private const double SameKind = 0.8;

    /// <summary>The kinds; none where all cores are alike, or the machine doesn't say.</summary>
    public static Dictionary<int, CoreKind> Read(HostFiles files, CpuSet online)
    {
        var efficiency = ReadList(files, "cpu_atom", online);
        var lowPower = ReadList(files, "cpu_lowpower", online);
        CpuSet[] lists = [ReadList(files, "cpu_core", online), efficiency, lowPower];
        if (lists.Count(list => !list.IsEmpty) > 1)
        {
            return online.ToDictionary(
                id => id,
                id =>
                    lowPower.Contains(id) ? CoreKind.LowPower
                    : efficiency.Contains(id) ? CoreKind.Efficiency
                    : CoreKind.Performance
            );
        }

        var capacities = new Dictionary<int, int>();
        foreach (var id in online)
        {
            var path = $"/sys/devices/system/cpu/cpu{id}/cpu_capacity";
            if (SysfsTopology.ReadNumber(files, path) is not { } capacity)
            {
                return [];
            }

            capacities[id] = capacity;
        }

        return OfCapacities(capacities);
    }

    // Clusters from the fastest down: each has those that are nearly as fast as its fastest.
    private static Dictionary<int, CoreKind> OfCapacities(Dictionary<int, int> capacities)
    {
        var tops = new List<int>();
        foreach (var capacity in capacities.Values.OrderDescending())
        {
            if (tops.Count == 0 || capacity < tops[^1] * SameKind)
            {
                tops.Add(capacity);
            }
        }

        return tops.Count < 2
            ? []
            : capacities.ToDictionary(cpu => cpu.Key, cpu => KindOf(cpu.Value));

        CoreKind KindOf(int capacity)
        {
            var cluster = tops.FindLastIndex(top => capacity <= top);
            return cluster == 0 ? CoreKind.Performance
                : cluster > 1 && cluster == tops.Count - 1 ? CoreKind.LowPower
                : CoreKind.Efficiency;
        }
    }

    private static CpuSet ReadList(HostFiles files, string name, CpuSet online) =>
        (SysfsTopology.ReadOptional(files, $"/sys/devices/{name}/cpus") ?? CpuSet.Empty).Intersect(
            online
        );
}
