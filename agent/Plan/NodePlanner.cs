using System.Collections.Immutable;
using PinAgent.Model.Cpu;
using PinAgent.Model.Node;
using PinAgent.Model.Vm;
using PinAgent.Plan.Contests;
using PinAgent.Plan.Dedication;
using PinAgent.Plan.Placement;
using PinAgent.Plan.Rivals;
using PinAgent.Plan.Threads;

namespace PinAgent.Plan;

/// <summary>
/// The second stage: from what was found to what should be. A pure function of its arguments, VM by VM, so that a VM
/// that can't be handled doesn't hold up the others.
/// </summary>
internal static class NodePlanner
{
    /// <summary>Plans the node.</summary>
    /// <param name="settings">What the administrator has told.</param>
    /// <param name="now">The time since the machine's boot.</param>
    /// <returns>The plan, and what the next pass needs to know.</returns>
    public static (NodePlan Plan, PlanMemory Memory) Plan(
        NodeSnapshot snapshot,
        PlanSettings settings,
        PlanMemory memory,
        TimeSpan now = default
    )
    {
        var (held, before, contests, _, overlaps, known) = memory;
        var policy = Placer.Default;
        var (verdicts, named, cpus) = NodeDedication.Decide(
            snapshot,
            settings,
            before,
            new(held, overlaps, known, now)
        );
        var plans = ImmutableArray.CreateBuilder<VmPlan>(verdicts.Length);
        var contested = new Dictionary<VmKey, Contest>();
        var placed = new List<(VmShape, PlacementRequest, CpuPlacement)>();
        foreach (var verdict in verdicts)
        {
            var shape = VmShape.Of(verdict);
            shape = shape with { HasLostIsolation = held.HasLostIsolation(shape) };
            var plan = new VmPlan
            {
                Shape = shape,
                Obstacle = verdict.Obstacle,
                Advisories = shape.RealtimeProblem is { } problem
                    ? verdict.Advisories.Add(
                        $"spec.domain.cpu.realtime.mask: {problem}: no vCPU gets a real-time priority"
                    )
                    : verdict.Advisories,
                Threads = verdict.Obstacle is null ? [] : Untouched(verdict.Vm),
                Starting = StartingPlan.Of(verdict, verdicts, held, snapshot.Topology, policy),
            };
            if (HeldOverlap.Plan(plan, held, snapshot.Topology) is { } rest)
            {
                (plan, contested[verdict.Vm.Key]) = FlappingGuard.Look(
                    rest,
                    contests.Of(verdict.Vm.Key),
                    () => null,
                    now
                );
            }
            else if (plan.Obstacle is null)
            {
                var request = shape.ToRequest(snapshot.Topology);
                var result = held.Choose(shape, request, policy);
                var key = verdict.Vm.Key;
                var unplaced = plan;
                plan = Place(plan, result, snapshot.Topology);
                if (
                    plan.Limit == ModeLimit.None
                    && held.Since(key) is null
                    && ManagerAtWork.LookAtFirst(plan, contests.Of(key), now) is { } placing
                )
                {
                    contested[key] = placing;
                    plan = unplaced with { Obstacle = ManagerAtWork.Waiting, Starting = null };
                }
                else if (result is CpuPlacement placement)
                {
                    var isOurs = plan.Limit == ModeLimit.None && !held.HasOther(key, placement);
                    var contest = isOurs ? contests.Of(key) : Contest.None;
                    plan = plan with { IsBeingPlaced = ManagerAtWork.MayBe(plan.Vm, now) };
                    var ofManager =
                        plan.IsBeingPlaced && isOurs && held.Contains(key, placement)
                            ? ManagerAtWork.Look(
                                held.MarkNew(plan),
                                contest,
                                () =>
                                    HeldPlacements.FoundWhole(shape, request, policy) is { } found
                                        ? Place(plan, found, request.Topology)
                                        : null,
                                now
                            )
                            : null;
                    (plan, contested[key]) =
                        ofManager
                        ?? FlappingGuard.Look(
                            plan,
                            contest with
                            {
                                Placing = null,
                            },
                            () => PlaceAsFound(plan, request, policy),
                            now
                        );
                    plan = Advise(held.MarkNew(TellLostIsolation(plan)), snapshot);
                    plan = plan with
                    {
                        Starting =
                            plan.Starting?.Agrees(plan.Threads) == true ? plan.Starting : null,
                    };
                    placed.Add((shape, request, plan.Placement!));
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
            .Select(plan => plan.Vm.Key)
            .ToList();
        foreach (var vm in hindered)
        {
            contested.TryAdd(vm, contests.Of(vm));
        }

        ImmutableArray<VmPlan> vms = plans.DrainToImmutable();
        return (
            new NodePlan(
                vms,
                [
                    .. named.Notices(),
                    .. ReadingAdvisories.Of(snapshot),
                    .. snapshot.Cluster?.Notices ?? [],
                ]
            )
            {
                IsAsTold = named.IsEmpty || (named.AreAllThere && !vms.Any(IsRefused)),
            },
            new PlanMemory(
                held.After(placed, hindered),
                snapshot.Cluster is { } facts ? before.With(Decided(verdicts), facts) : before,
                NodeContests.Of(contested),
                memory.Disagreements.With(vms, now),
                overlaps.With(verdicts, now),
                cpus.WithPlaced(placed.Select(vm => vm.Item1.Vm.Key))
            )
        );
    }

    private static VmPlan Advise(VmPlan plan, NodeSnapshot snapshot) =>
        plan with
        {
            Advisories =
            [
                .. plan.Advisories,
                .. PlacementAdvisories.Of(plan.Shape, plan.Placement!, snapshot.Topology),
            ],
        };

    private static bool IsRefused(VmPlan plan) =>
        plan is { Dedicated: true, Obstacle.State: VmState.Refused or VmState.NotExclusive };

    // Another program's placement isn't as good if it tears guest cores apart that ours keeps together.
    private static VmPlan? PlaceAsFound(
        VmPlan plan,
        PlacementRequest request,
        IPlacementPolicy policy
    ) =>
        HeldPlacements.Found(request, plan.Shape.Observed, policy) is { } found
        && plan.Shape.WholeCores(found, request.Topology)
            >= plan.Shape.WholeCores(plan.Placement!, request.Topology)
            ? Place(plan, found, request.Topology)
            : null;

    private static VmPlan TellLostIsolation(VmPlan plan)
    {
        var shape = plan.Shape;
        if (!shape.HasLostIsolation || plan.Placement is not { EmulatorIsolated: false })
        {
            return plan;
        }

        var lost =
            $"the emulator had CPUs of its own and now runs on those of the vCPUs: the cpuset {shape.Cpuset} has as many CPUs "
            + $"as the guest has vCPUs, {shape.Vcpus.Length}; give the VM's cgroup one more";
        return plan with { LostIsolation = lost, Advisories = plan.Advisories.Add(lost) };
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

    private static ImmutableArray<PlannedThread> Untouched(ObservedVm vm) =>
        [.. vm.Threads.Select(thread => new PlannedThread(thread, null))];

    internal static VmPlan Place(VmPlan plan, PlacementResult result, NodeTopology topology) =>
        result switch
        {
            CpuPlacement placement => plan with
            {
                Placement = placement,
                Threads = RealtimePlan.AddTo(
                    ThreadPlan.Of(plan.Shape, placement, topology),
                    plan.Shape.Realtime
                ),
            },
            Refusal refusal => plan with
            {
                Obstacle = new Standing(VmState.Refused, refusal.Reason, refusal.Message),
                Threads = Untouched(plan.Vm),
            },
            _ => throw new InvalidOperationException($"unknown result {result.GetType()}"),
        };
}
