using PinAgent.Model.Cpu;
using PinAgent.Model.Node;
using PinAgent.Model.Vm;
using PinAgent.Plan.Placement;

namespace PinAgent.Plan.Rivals;

/// <summary>
/// While some of its CPUs are another's too, a VM isn't placed; but what is on CPUs that nobody else has belongs there, and
/// is held there. Pure.
/// </summary>
internal static class HeldOverlap
{
    /// <summary>Plans what can be held of a VM; null if it has no such obstacle, or nothing to hold.</summary>
    public static VmPlan? Plan(VmPlan plan, HeldPlacements held, NodeTopology topology)
    {
        var shape = plan.Shape;
        if (
            shape.Verdict
                is not {
                    Overlap: { } overlap,
                    Obstacle.Reason: Reason.CpusetOverlaps,
                    Limit: not ModeLimit.Off,
                    Vm.Problem: null
                }
            || held.Find(shape, shape.ToRequest(topology)) is not { } placement
        )
        {
            return null;
        }

        var whole = NodePlanner.Place(plan, placement, topology);
        return held.MarkNew(
            whole with
            {
                Threads =
                [
                    .. whole.Threads.Select(thread =>
                        thread.Wanted is { } wanted && !wanted.Overlaps(overlap.Cpus)
                            ? thread
                            : new PlannedThread(thread.Thread, null)
                    ),
                ],
            }
        );
    }
}
