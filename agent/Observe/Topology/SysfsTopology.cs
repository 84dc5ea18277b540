using System.Globalization;
using PinAgent.Model.Cpu;
using PinAgent.NativeInterop;
using PinAgent.Observe.Files;

namespace PinAgent.Observe.Topology;

/// <summary>
/// Reads the node's CPUs from <c>/sys/devices/system/cpu</c> and <c>/sys/devices/system/node</c>.
/// Sources: the kernel's <c>Documentation/admin-guide/cputopology.rst</c> and
/// <c>Documentation/ABI/stable/sysfs-devices-system-cpu</c>.
/// </summary>
internal static class SysfsTopology
{
    private const string Cpu = "/sys/devices/system/cpu";
    private const string Node = "/sys/devices/system/node";

    /// <summary>The file that lists the online CPUs.</summary>
    public const string OnlinePath = $"{Cpu}/online";

    /// <summary>Reads the topology.</summary>
    /// <exception cref="InvalidDataException">The list of online CPUs can't be read or isn't one.</exception>
    public static NodeTopology Read(HostFiles files)
    {
        var online = ReadRequired(files, OnlinePath);
        var numa = ReadNumaNodes(files);
        var kinds = CoreKindReader.Read(files, online);
        var cores = new List<Core>();
        var coreOf = new Dictionary<int, Core>();
        var l3Of = new Dictionary<int, int>();
        var l3Count = 0;
        foreach (var id in online)
        {
            if (!coreOf.ContainsKey(id))
            {
                AddCore(files, id, online, cores, coreOf);
            }

            if (!l3Of.ContainsKey(id) && ReadL3(files, id) is { } sharing)
            {
                foreach (var other in sharing.Union(CpuSet.Of(id)))
                {
                    l3Of.TryAdd(other, l3Count);
                }

                l3Count++;
            }
        }

        NumberCores(cores);
        return new NodeTopology(
            online.Select(id => new LogicalCpu(
                id,
                coreOf[id].Socket,
                numa.GetValueOrDefault(id),
                coreOf[id].Number,
                l3Of.TryGetValue(id, out var l3) ? l3 : null,
                coreOf[id].Die,
                kinds.GetValueOrDefault(id)
            )),
            ReadOffline(files),
            ReadOptional(files, $"{Cpu}/isolated"),
            ReadOptional(files, $"{Cpu}/nohz_full")
        );
    }

    private static void AddCore(
        HostFiles files,
        int id,
        CpuSet online,
        List<Core> cores,
        Dictionary<int, Core> coreOf
    )
    {
        // A virtual machine or an arm64 board may not know its package: -1.
        var core = new Core
        {
            Socket = Math.Max(
                ReadNumber(files, $"{Cpu}/cpu{id}/topology/physical_package_id") ?? 0,
                0
            ),
            Die = ReadNumber(files, $"{Cpu}/cpu{id}/topology/die_id") is { } die and >= 0
                ? die
                : null,
            Number = ReadNumber(files, $"{Cpu}/cpu{id}/topology/core_id") ?? -1,
        };
        cores.Add(core);
        coreOf.Add(id, core);

        // The siblings, not the core's id, say which CPUs make a core: the id repeats from die to die, and on arm64
        // from cluster to cluster.
        var siblings = ReadOptional(files, $"{Cpu}/cpu{id}/topology/thread_siblings_list");
        foreach (var sibling in (siblings ?? CpuSet.Empty).Intersect(online))
        {
            coreOf.TryAdd(sibling, core);
        }
    }

    // Keeps the kernel's core ids in sockets where they tell the cores apart, and counts the cores in others.
    private static void NumberCores(List<Core> cores)
    {
        foreach (var socket in cores.GroupBy(core => core.Socket))
        {
            var members = socket.ToList();
            if (
                members.TrueForAll(core => core.Number >= 0)
                && members.DistinctBy(core => core.Number).Count() == members.Count
            )
            {
                continue;
            }

            for (var i = 0; i < members.Count; i++)
            {
                members[i].Number = i;
            }
        }
    }

    // The list has every id the kernel has room for; only those present are CPUs.
    private static CpuSet ReadOffline(HostFiles files)
    {
        var offline = ReadOptional(files, $"{Cpu}/offline") ?? CpuSet.Empty;
        return ReadOptional(files, $"{Cpu}/present") is { } present
            ? offline.Intersect(present)
            : offline;
    }

    private static Dictionary<int, int> ReadNumaNodes(HostFiles files)
    {
        const string Prefix = "node";
        var nodeOf = new Dictionary<int, int>();
        var names = new List<string>();
        var listed = files.ListNames($"{Node}", names);
        if (listed.Errno.MeansShortage())
        {
            throw new InvalidDataException($"{files.Display(Node)}: {listed.Errno.Describe()}");
        }

        foreach (var name in names)
        {
            if (
                name.StartsWith(Prefix, StringComparison.Ordinal)
                && int.TryParse(
                    name.AsSpan(Prefix.Length),
                    NumberStyles.None,
                    CultureInfo.InvariantCulture,
                    out var node
                )
            )
            {
                foreach (var id in ReadOptional(files, $"{Node}/{name}/cpulist") ?? CpuSet.Empty)
                {
                    nodeOf[id] = node;
                }
            }
        }

        return nodeOf;
    }

    private static CpuSet? ReadL3(HostFiles files, int id)
    {
        for (var index = 0; ; index++)
        {
            var level = ReadNumber(files, $"{Cpu}/cpu{id}/cache/index{index}/level");
            if (level is null && index > 3)
            {
                return null;
            }

            if (level == 3)
            {
                return ReadOptional(files, $"{Cpu}/cpu{id}/cache/index{index}/shared_cpu_list");
            }
        }
    }

    /// <summary>A number that a file says; null if it isn't there or says something else.</summary>
    public static int? ReadNumber(HostFiles files, string path) =>
        TryRead(files, path, out var content)
        && int.TryParse(
            content.Trim(" \n"u8),
            NumberStyles.AllowLeadingSign,
            CultureInfo.InvariantCulture,
            out var number
        )
            ? number
            : null;

    /// <summary>The CPUs that a file lists; null if it isn't there or lists none that are any.</summary>
    public static CpuSet? ReadOptional(HostFiles files, string path) =>
        TryRead(files, path, out var content) && CpuSet.TryParse(content, out var cpus, out _)
            ? cpus
            : null;

    // What is read is kept until a CPU goes or comes: a moment without free files must not make a topology without cores.
    private static bool TryRead(HostFiles files, string path, out ReadOnlySpan<byte> content)
    {
        var result = files.ReadOnePiece($"{path}", out content);
        return result.Errno.MeansShortage()
            ? throw new InvalidDataException($"{files.Display(path)}: {result.Errno.Describe()}")
            : result.IsSuccess;
    }

    private static CpuSet ReadRequired(HostFiles files, string path)
    {
        var result = files.ReadOnePiece($"{path}", out var content);
        var problem = result.IsSuccess ? null : result.Errno.Describe();
        CpuSet? cpus = null;
        if (problem is null && CpuSet.TryParse(content, out cpus, out problem) && cpus.IsEmpty)
        {
            problem = "expected at least one CPU, found none";
        }

        return problem is null
            ? cpus!
            : throw new InvalidDataException(
                $"{files.Display(path)}: {problem}; is --host-root right, and sysfs mounted there?"
            );
    }

    private sealed class Core
    {
        public required int Socket { get; init; }

        public required int? Die { get; init; }

        public required int Number { get; set; }
    }
}
