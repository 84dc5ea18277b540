using PinAgent.Model.Cpu;

namespace PinAgent.Report.Status;

/// <summary>The node's CPUs.</summary>
/// <param name="Cpus">The online CPUs, in the form that <c>pinagent plan</c> reads.</param>
/// <param name="Online">Their ids.</param>
/// <param name="Offline">CPUs that are switched off.</param>
/// <param name="Isolated">CPUs outside the scheduler's balancing.</param>
/// <param name="NohzFull">CPUs without a periodic tick.</param>
internal sealed record TopologyStatus(
    IReadOnlyList<CpuStatus> Cpus,
    CpuSet Online,
    CpuSet Offline,
    CpuSet Isolated,
    CpuSet NohzFull
)
{
    /// <summary>The status of a topology.</summary>
    public static TopologyStatus Of(NodeTopology topology) =>
        new(
            [
                .. topology.Cpus.Select(cpu => new CpuStatus(
                    cpu.Id,
                    cpu.Socket,
                    cpu.Numa,
                    cpu.Core,
                    cpu.L3,
                    cpu.Die,
                    cpu.Kind == CoreKind.Uniform ? null : cpu.Kind,
                    CpuSet.Of(topology.SiblingsOf(cpu))
                )),
            ],
            topology.Online,
            topology.Offline,
            topology.Isolated,
            topology.NohzFull
        );
}

/// <summary>One CPU.</summary>
/// <param name="Id">The kernel's number.</param>
/// <param name="Socket">The physical package.</param>
/// <param name="Numa">The NUMA node.</param>
/// <param name="Core">The core, unique within the socket.</param>
/// <param name="L3">The L3 cache; null if unknown.</param>
/// <param name="Die">The die; null if unknown.</param>
/// <param name="Kind">The kind of core on machines that mix them; null on others.</param>
/// <param name="Siblings">The CPUs of the same core, this one included.</param>
internal sealed record CpuStatus(
    int Id,
    int Socket,
    int Numa,
    int Core,
    int? L3,
    int? Die,
    CoreKind? Kind,
    CpuSet Siblings
);
