using PinAgent.Model.Node;

namespace PinAgent.Report.Violations;

/// <summary>A CPU manager's checkpoint that contradicts itself. Pure.</summary>
internal static class Checkpoint
{
    /// <summary>A violation for all that it contradicts itself in.</summary>
    /// <param name="checkpoint">The checkpoint; null where there is none.</param>
    public static IEnumerable<Violation> Of(CpuManagerCheckpoint? checkpoint) =>
        CheckpointContradictions
            .Of(checkpoint)
            .Take(Most)
            .Select(contradiction => new Violation(
                ViolationKind.Checkpoint,
                contradiction.Cpus,
                $"the kubelet's checkpoint contradicts itself: {contradiction.Message}; {Advice}"
            ));

    /// <summary>What to do about it.</summary>
    public const string Advice =
        "drain the node, stop the kubelet, delete cpu_manager_state and start the kubelet, which refuses such a file";

    private const int Most = 16;
}
