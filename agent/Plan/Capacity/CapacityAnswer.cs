using System.Numerics;
using System.Text.Json.Serialization;

namespace PinAgent.Plan.Capacity;

/// <summary>What runs out first.</summary>
public enum CapacityLimit
{
    /// <summary>CPUs, or with whole cores only cores, that the CPU manager can give out.</summary>
    [JsonStringEnumMemberName("wholeCpus")]
    WholeCpus,

    /// <summary>What is left of the CPUs for pods that share them.</summary>
    [JsonStringEnumMemberName("sharedPool")]
    SharedPool,

    /// <summary>Memory.</summary>
    [JsonStringEnumMemberName("memory")]
    Memory,

    /// <summary>The VM's CPUs aren't a whole number of cores: <c>full-pcpus-only</c> rejects it on any node.</summary>
    [JsonStringEnumMemberName("smtAlignment")]
    SmtAlignment,
}

/// <summary>How many more VMs of a shape fit on a node, by the scheduler's sums and the static CPU manager's. Pure.</summary>
/// <remarks>
/// Source: Kubernetes, <c>pkg/kubelet/cm/cpumanager/policy_static.go</c> (<c>Allocate</c>, <c>SMTAlignmentError</c>) and
/// <c>pkg/scheduler/framework/plugins/noderesources/fit.go</c>.
/// </remarks>
internal sealed record CapacityAnswer(int Fits, CapacityLimit Limit)
{
    /// <summary>Counts.</summary>
    /// <param name="wholeCores">Whether the CPU manager gives out whole cores only: its option <c>full-pcpus-only</c>.</param>
    public static CapacityAnswer Of(CapacityNode node, CapacityShape shape, bool wholeCores = false)
    {
        if (wholeCores && shape.WholeCpus % node.ThreadsPerCore != 0)
        {
            return new(0, CapacityLimit.SmtAlignment);
        }

        var whole = wholeCores ? node.FreeCores * node.ThreadsPerCore : node.FreeCpus;
        var capacity = new CapacityAnswer(whole / shape.WholeCpus, CapacityLimit.WholeCpus).Or(
            node.FreeMilliCpus / shape.MilliCpus,
            CapacityLimit.SharedPool
        );
        return node.FreeMemory is { } memory && shape.MemoryBytes is { IsZero: false } each
            ? capacity.Or(memory / each, CapacityLimit.Memory)
            : capacity;
    }

    private CapacityAnswer Or(BigInteger fits, CapacityLimit limit) =>
        fits < Fits ? new((int)BigInteger.Max(fits, 0), limit) : this;
}
