using System.Numerics;
using PinAgent.Plan.Capacity;

namespace PinAgent.Report.Status;

/// <summary>The answer of <c>pinagent capacity</c>.</summary>
/// <param name="Fits">How many more such VMs fit.</param>
/// <param name="RunsOut">What runs out first.</param>
/// <param name="Each">What each takes.</param>
/// <param name="Free">What the node has left.</param>
/// <param name="Notes">What limits it, and what was assumed where facts are missing.</param>
internal sealed record CapacityStatus(
    int Fits,
    CapacityLimit RunsOut,
    CapacityAmounts Each,
    CapacityAmounts Free,
    IReadOnlyList<string> Notes
)
{
    /// <summary>The answer.</summary>
    /// <param name="node">What the node has left.</param>
    /// <param name="shape">The VM.</param>
    /// <param name="wholeCores">Whether the CPU manager gives out whole cores only.</param>
    public static CapacityStatus Of(CapacityNode node, CapacityShape shape, bool wholeCores)
    {
        var capacity = CapacityAnswer.Of(node, shape, wholeCores);
        return new(
            capacity.Fits,
            capacity.Limit,
            new(shape.WholeCpus, $"{shape.MilliCpus}m", Text(shape.MemoryBytes)),
            new(
                wholeCores ? node.FreeCores * node.ThreadsPerCore : node.FreeCpus,
                $"{node.FreeMilliCpus}m",
                Text(node.FreeMemory)
            ),
            node.Notes
        );
    }

    private static string? Text(BigInteger? bytes) => bytes?.ToString();
}

/// <summary>Amounts of what VMs take.</summary>
/// <param name="WholeCpus">CPUs for one VM alone.</param>
/// <param name="Cpu">CPUs that pods request, those included, as a Kubernetes quantity.</param>
/// <param name="Memory">Bytes; null if that isn't counted.</param>
internal sealed record CapacityAmounts(int WholeCpus, string Cpu, string? Memory);

/// <summary>How much room the node has, in short.</summary>
/// <param name="FreeCpus">CPUs that the CPU manager can still give out whole.</param>
/// <param name="Vcpus">The vCPUs of a small VM.</param>
/// <param name="Fits">How many more of those fit, by what is known.</param>
internal sealed record NodeCapacityStatus(int FreeCpus, int Vcpus, int Fits)
{
    private const int SmallVm = 2;

    /// <summary>The room of a node.</summary>
    public static NodeCapacityStatus Of(CapacityNode node) =>
        new(node.FreeCpus, SmallVm, CapacityAnswer.Of(node, new(SmallVm)).Fits);
}
