using System.Collections.Immutable;
using System.Text.Json.Serialization;

namespace PinAgent.Model.Cpu;

/// <summary>Which kind of core a CPU belongs to on machines that mix them.</summary>
internal enum CoreKind
{
    /// <summary>All cores are alike, or the machine doesn't say.</summary>
    [JsonStringEnumMemberName("uniform")]
    Uniform,

    /// <summary>A fast core (Intel's <c>cpu_core</c>, or those of Arm's highest <c>cpu_capacity</c>).</summary>
    [JsonStringEnumMemberName("performance")]
    Performance,

    /// <summary>A slow core (Intel's <c>cpu_atom</c>, or those of a lower <c>cpu_capacity</c>).</summary>
    [JsonStringEnumMemberName("efficiency")]
    Efficiency,

    /// <summary>The slowest of three kinds (Intel's <c>cpu_lowpower</c>, or those of the lowest <c>cpu_capacity</c>).</summary>
    [JsonStringEnumMemberName("low-power")]
    LowPower,
}

/// <summary>The kinds of core in words.</summary>
internal static class CoreKinds
{
    /// <summary>The kind's word, as in JSON.</summary>
    public static string Word(this CoreKind kind) =>
        kind switch
        {
            CoreKind.Performance => "performance",
            CoreKind.Efficiency => "efficiency",
            CoreKind.LowPower => "low-power",
            _ => "uniform",
        };

    /// <summary>The kind of that word; <see cref="CoreKind.Uniform"/> for another.</summary>
    public static CoreKind Parse(string? word) =>
        Enum.GetValues<CoreKind>().FirstOrDefault(kind => kind.Word() == word);
}

/// <summary>One online CPU, in Linux's sense: an SMT thread of a core.</summary>
/// <param name="Id">The kernel's number for it.</param>
/// <param name="Numa">The NUMA node; 0 on a machine without NUMA.</param>
/// <param name="Core">The physical core, unique within its socket. CPUs of one socket and core are SMT siblings.</param>
/// <param name="L3">The group of CPUs that share an L3 cache, numbered over the machine; null if unknown.</param>
/// <param name="Die">The die within the socket; null if unknown.</param>
internal sealed record LogicalCpu(
    int Id,
    int Socket,
    int Numa,
    int Core,
    int? L3 = null,
    int? Die = null,
    CoreKind Kind = CoreKind.Uniform
);

/// <summary>The CPUs of a node and how they hang together. Only online CPUs have a place in it.</summary>
internal sealed class NodeTopology
{
    private readonly Dictionary<int, LogicalCpu> _byId;
    private readonly Dictionary<(int Socket, int Core), ImmutableArray<int>> _siblings;

    /// <summary>Creates the topology.</summary>
    /// <param name="cpus">The online CPUs, in any order, each id once.</param>
    /// <param name="offline">CPUs that exist and are switched off.</param>
    /// <param name="isolated">CPUs kept out of the scheduler's balancing (kernel parameter <c>isolcpus</c>).</param>
    /// <param name="nohzFull">CPUs without a periodic tick (kernel parameter <c>nohz_full</c>).</param>
    /// <exception cref="ArgumentException">A CPU id occurs twice.</exception>
    public NodeTopology(
        IEnumerable<LogicalCpu> cpus,
        CpuSet? offline = null,
        CpuSet? isolated = null,
        CpuSet? nohzFull = null
    )
    {
        Cpus = [.. cpus.OrderBy(cpu => cpu.Id)];
        _byId = [];
        foreach (var cpu in Cpus)
        {
            if (!_byId.TryAdd(cpu.Id, cpu))
            {
                throw new ArgumentException($"CPU {cpu.Id} occurs twice.", nameof(cpus));
            }
        }

        Online = CpuSet.Of(Cpus.Select(cpu => cpu.Id));
        Offline = offline ?? CpuSet.Empty;
        Isolated = isolated ?? CpuSet.Empty;
        NohzFull = nohzFull ?? CpuSet.Empty;
        NumaNodes = [.. Cpus.Select(cpu => cpu.Numa).Distinct().Order()];
        _siblings = Cpus.GroupBy(cpu => (cpu.Socket, cpu.Core))
            .ToDictionary(core => core.Key, core => core.Select(cpu => cpu.Id).ToImmutableArray());
        Cores =
        [
            .. Cpus.OrderBy(cpu => cpu.Numa)
                .DistinctBy(cpu => (cpu.Socket, cpu.Core))
                .Select(cpu => (cpu.Numa, CpuSet.Of(SiblingsOf(cpu)))),
        ];
    }

    /// <summary>The online CPUs in ascending order of their ids.</summary>
    public ImmutableArray<LogicalCpu> Cpus { get; }

    /// <summary>The cores that have online CPUs, by NUMA node and in it by their lowest CPU.</summary>
    public ImmutableArray<(int Numa, CpuSet Cpus)> Cores { get; }

    /// <summary>The ids of the online CPUs.</summary>
    public CpuSet Online { get; }

    /// <summary>The CPUs that exist and are switched off.</summary>
    public CpuSet Offline { get; }

    /// <summary>The CPUs outside the scheduler's balancing.</summary>
    public CpuSet Isolated { get; }

    /// <summary>The CPUs without a periodic tick.</summary>
    public CpuSet NohzFull { get; }

    /// <summary>The ids of the NUMA nodes that have online CPUs, ascending; they may have gaps.</summary>
    public ImmutableArray<int> NumaNodes { get; }

    /// <summary>The CPU with this id, or null.</summary>
    public LogicalCpu? Find(int id) => _byId.GetValueOrDefault(id);

    /// <summary>The CPU with this id.</summary>
    /// <exception cref="KeyNotFoundException">There is none online.</exception>
    public LogicalCpu this[int id] => _byId[id];

    /// <summary>The SMT siblings of an online CPU, itself included, ascending.</summary>
    public ImmutableArray<int> SiblingsOf(LogicalCpu cpu) => _siblings[(cpu.Socket, cpu.Core)];

    /// <summary>The same by its id. A CPU that has just gone offline has none, though a cpuset may still name it.</summary>
    public ImmutableArray<int> SiblingsOf(int id) =>
        _byId.TryGetValue(id, out var cpu) ? SiblingsOf(cpu) : [];

    /// <summary>Whether there are cores of several kinds.</summary>
    public bool MixesKinds => Cpus.Any(cpu => cpu.Kind != Cpus[0].Kind);

    /// <summary>How many sockets have online CPUs.</summary>
    public int SocketCount => Cpus.Select(cpu => cpu.Socket).Distinct().Count();

    /// <summary>How many physical cores have online CPUs.</summary>
    public int CoreCount => Cores.Length;

    /// <summary>The most online SMT siblings that any core has; 1 on a machine without SMT, 0 without CPUs.</summary>
    public int ThreadsPerCore =>
        _siblings.Values.Select(core => core.Length).DefaultIfEmpty().Max();

    /// <summary>How many L3 caches are known.</summary>
    public int L3Count =>
        Cpus.Where(cpu => cpu.L3 is not null).Select(cpu => cpu.L3).Distinct().Count();
}
