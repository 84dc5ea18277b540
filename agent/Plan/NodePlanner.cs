using System.Collections.Immutable;
using PinAgent.Model;

namespace PinAgent.Plan;

/// <summary>
/// The second stage: from what was found to what should be. A pure function of its arguments, VM by VM, so that a VM
/// that can't be handled doesn't hold up the others.
/// </summary>
public static class NodePlanner
{
    /// <summary>Plans the node.</summary>
    /// <param name="snapshot">What was found.</param>
    /// <param name="settings">What the administrator has told.</param>
    /// <param name="held">The placements of the pass before.</param>
    /// <param name="policy">The placement policy.</param>
    /// <param name="decisions">What earlier passes have decided; none outside a cluster.</param>
    public static NodePlan Plan(
        NodeSnapshot snapshot,
        PlanSettings settings,
        HeldPlacements held,
        IPlacementPolicy policy,
        Decisions? decisions = null
    )
    {
        var before = decisions ?? Decisions.None;
        var verdicts = Dedication.Decide(snapshot, settings, before);
        var plans = ImmutableArray.CreateBuilder<VmPlan>(verdicts.Length);
        var placed = new List<(VmKey, PlacementRequest, ImmutableArray<int>, Placement)>();
        foreach (var verdict in verdicts)
        {
            var shape = VmShape.Of(verdict);
            var plan = new VmPlan
            {
                Vm = verdict.Vm,
                Namespace = verdict.Namespace,
                Name = verdict.Name,
                Source = verdict.Source,
                Dedicated = verdict.Dedicated,
                Guest = shape.Guest,
                IsolateEmulatorThread = shape.IsolateEmulatorThread,
                Obstacle = verdict.Obstacle,
                Limit = verdict.Limit,
                IsReleased = verdict.IsReleased,
                Advisories = verdict.Advisories,
                Disagreement = verdict.Disagreement,
                Threads = [.. verdict.Vm.Threads.Select(thread => new PlannedThread(thread, null))],
            };
            if (plan.Obstacle is null)
            {
                var request = shape.ToRequest(snapshot.Topology);
                var result = held.Choose(
                    verdict.Vm.Key,
                    shape.VcpuNumbers,
                    request,
                    shape.Observed,
                    policy
                );
                plan = Place(plan, shape, result, snapshot.Topology);
                if (result is Placement placement)
                {
                    placed.Add((verdict.Vm.Key, request, shape.VcpuNumbers, placement));
                }
            }

            plans.Add(plan);
        }

        var hindered = plans
            .Where(plan =>
                plan
                    is { Dedicated: true, Obstacle: not null }
                        or { Obstacle.State: VmState.Waiting }
            )
            .Select(plan => plan.Vm.Key);
        var heldNow = held.After(placed, hindered);
        return new NodePlan(
            plans.DrainToImmutable(),
            heldNow,
            [.. Dedication.FindUnmatched(verdicts, settings), .. snapshot.Cluster?.Notices ?? []],
            snapshot.Cluster is { } facts ? before.With(Decided(verdicts), facts) : before
        );
    }

    private static IEnumerable<(ContainerKey, Decision)> Decided(
        ImmutableArray<DedicationVerdict> verdicts
    )
    {
        foreach (var verdict in verdicts)
        {
            if (verdict.Decision is { } decision && ContainerKey.Of(verdict.Vm) is { } container)
            {
                yield return (container, decision);
            }
        }
    }

    private static VmPlan Place(
        VmPlan plan,
        VmShape shape,
        PlacementResult result,
        NodeTopology topology
    ) =>
        result switch
        {
            Placement placement => plan with
            {
                Placement = placement,
                Threads = ThreadPlan.Of(plan.Vm, shape, placement, topology),
            },
            Refusal refusal => plan with
            {
                Obstacle = new VmObstacle(VmState.Refused, refusal.Reason, refusal.Message),
            },
            _ => throw new InvalidOperationException($"unknown result {result.GetType()}"),
        };
}
