using System.Collections.Immutable;
using PinAgent.Apply;
using PinAgent.Model.Node;
using PinAgent.NativeInterop;
using PinAgent.Observe;
using PinAgent.Observe.Events;
using PinAgent.Plan;
using PinAgent.Plan.Capacity;
using PinAgent.Plan.Contests;
using PinAgent.Plan.Dedication;
using PinAgent.Plan.Ownership;
using PinAgent.Report;
using PinAgent.Report.Changes;
using PinAgent.Report.Cluster;
using PinAgent.Report.Metrics;
using PinAgent.Report.Status;
using PinAgent.Report.Violations;
using PinAgent.State;

namespace PinAgent.Loop;

/// <summary>One pass over the node: observe → plan → apply → report. Right on its own, whatever happened before.</summary>
/// <param name="settings">What the administrator has told.</param>
/// <param name="mode">Tells, before each pass, whether masks are written.</param>
/// <param name="state">What is kept across the agent's restart.</param>
/// <param name="around">What else a pass asks or tells, where there is any.</param>
internal sealed class PinPass(
    NodeObserver observer,
    PlanSettings settings,
    PlanApplier applier,
    string node,
    Func<EffectiveMode> mode,
    AgentState state,
    TimeProvider time,
    PassSurroundings? around = null
)
{
    // Whoever names threads without end mustn't keep the others' from being told.
    private const int MostRounds = 100;

    private readonly PassSurroundings _around = around ?? new();
    private readonly PinTimes _pinTimes = new();
    private readonly ChangeDetector _changes = new();
    private readonly MeanwhilePins _meanwhile = around?.Meanwhile ?? new(null, null);
    private PassMemory _memory = new(
        PlanMemory.None with
        {
            Decisions = state.Decisions?.Load() ?? Decisions.None,
            Contests = state.Contests.Load(),
            Cpus = state.Cpus?.Load() ?? CpuClaims.None,
        }
    );

    /// <summary>Makes a pass over the whole node.</summary>
    /// <exception cref="InvalidDataException">The node can't be read at all: the message says which file and why.</exception>
    public PassResult Run() => Run(PassScope.Everything, [], () => []);

    /// <summary>
    /// Makes a pass. One that looks no further than it must takes the rest of the node as the pass before has left it. Threads
    /// that name themselves meanwhile are pinned before anything is kept or told of the first: a QEMU that starts names them
    /// one after the other.
    /// </summary>
    /// <param name="named">
    /// The threads that have just named themselves; those of processes that are no VMs, or have ended, do no harm.
    /// </param>
    /// <param name="more">Those that did so since it was last asked.</param>
    /// <returns>The very same result as before where nothing has changed.</returns>
    /// <exception cref="InvalidDataException">As <see cref="Run()"/>.</exception>
    public PassResult Run(
        PassScope scope,
        IReadOnlyList<NamedThread> named,
        Func<IReadOnlyList<NamedThread>> more
    )
    {
        var inputs = LookAround(Observe(scope, named));
        // With the same inputs and nothing pending it would come to the same result.
        if (_memory.Same(inputs, Now()) is { } result && !_meanwhile.HasNews)
        {
            _around.Reporter?.LookAgain();
            _changes.Still(_around.CpusetsWritten?.Invoke(), time.GetUtcNow());
            return result;
        }

        List<Pins> rounds = [Pin(inputs, named)];
        while (rounds.Count < MostRounds && more() is { Count: > 0 } others)
        {
            // Before they're looked at: their VM may have been planned since they had their names.
            _meanwhile.TryPin(others);
            rounds.Add(Pin(LookAround(Observe(PassScope.Named, others)), others));
        }

        var pins = rounds.Aggregate((before, next) => next.After(before));
        result = Tell(pins);
        _memory = _memory with
        {
            Result = result,
            // The second time with the same inputs, it had its own decisions before it. A disagreement is told when its
            // time has come.
            IsAtRest =
                pins.AreOfSameInputs
                && state.Problems.IsEmpty
                && !_memory.Plan.IsPending
                && pins.Vms.All(vm => vm.Outcome.IsAtRest),
        };
        return result;
    }

    private TimeSpan Now() => _around.SinceBoot?.Invoke() ?? time.GetElapsedTime(0);

    private NodeSnapshot Observe(PassScope scope, IReadOnlyList<NamedThread> named) =>
        _memory.Snapshot is not { } before || scope == PassScope.Everything ? observer.Observe()
        : scope == PassScope.Named ? observer.ObserveNamed(before, named)
        : observer.ObserveNamed(
            observer.ObserveChanges(before, masksToo: scope == PassScope.Changes),
            named
        );

    private PassInputs LookAround(NodeSnapshot snapshot)
    {
        if (snapshot.Cluster is { } told)
        {
            _around.Labels?.Look(snapshot.CpuManager, told);
        }

        return new PassInputs(
            snapshot,
            mode(),
            state.Released.Look(),
            _around.Labels?.Status ?? ImmutableSortedDictionary<string, LabelStatus>.Empty,
            _around.Events?.Invoke(),
            _around.Neighbours?.Found ?? NodeNeighbours.Nothing
        );
    }

    private Pins Pin(PassInputs inputs, IReadOnlyList<NamedThread> named)
    {
        var before = _memory;
        var now = Now();
        var (plan, memory) = NodePlanner.Plan(
            inputs.Snapshot,
            settings with
            {
                Released = inputs.Released,
            },
            inputs.Mode.Mode == AgentMode.Enforce
                ? before.Plan
                : before.Plan with
                {
                    Contests = NodeContests.None,
                },
            now
        );

        // First, so that an agent that is ended half-way knows what it has begun.
        state.Decisions?.Keep(memory.Decisions);
        state.Cpus?.Keep(memory.Cpus, plan.Vms.Where(vm => vm.Dedicated).Select(vm => vm.Vm.Key));
        _meanwhile.Rest();
        var outcomes = _meanwhile.AddTo(
            [.. plan.Vms.Select(vm => applier.Apply(vm, ModeOf(vm, inputs)))],
            plan.Vms.Where(vm => ModeOf(vm, inputs) == AgentMode.Enforce)
        );
        var vms = outcomes
            .Select(vm => new VmPassResult(
                vm,
                WasHeld: vm.Plan.Placement is { } placement
                    && before.Plan.Held.Contains(vm.Plan.Vm.Key, placement)
                    && before.Enforced.Contains(vm.Plan.Vm.Key)
            ))
            .ToImmutableArray();
        var times = _pinTimes.After(named, vms, time.GetElapsedTime(0), _meanwhile.Times);
        _memory = before with
        {
            Plan = memory with
            {
                Contests = memory.Contests.With(
                    vms.Select(vm => (vm.Outcome.Plan.Vm.Key, vm.PutBack)),
                    now
                ),
            },
            Inputs = inputs,
            Due = ManagerAtWork.NextEnd(plan.Vms, now),
            Snapshot = WithMasks(inputs.Snapshot, vms),
            Enforced =
            [
                .. plan
                    .Vms.Where(vm => ModeOf(vm, inputs) == AgentMode.Enforce)
                    .Select(vm => vm.Vm.Key),
            ],
        };
        _meanwhile.Hold(
            outcomes.Where(vm => ModeOf(vm.Plan, inputs) == AgentMode.Enforce),
            _memory.Plan.Contests
        );
        return new Pins(inputs, inputs == before.Inputs, plan, vms, times);
    }

    private PassResult Tell(Pins pins)
    {
        var (inputs, _, plan, vms, times) = pins;
        var snapshot = inputs.Snapshot;
        state.Masks.Keep([.. vms.Select(vm => vm.Outcome)]);
        state.Contests.Keep(_memory.Plan.Contests);
        _around.Neighbours?.Follow(plan.Vms);
        _around.FollowForeign?.Invoke(
            plan.Vms.Where(vm =>
                    vm.Placement is not null && ModeOf(vm, inputs) == AgentMode.Enforce
                )
                .Select(vm => vm.Vm)
        );
        ImmutableArray<VmOutcome> outcomes = [.. vms.Select(vm => vm.Outcome)];
        var topology = TopologyStatus.Of(snapshot.Topology);
        var violations = NodeViolations.Of(
            outcomes,
            snapshot.Topology,
            _memory.Plan.Disagreements,
            inputs.Neighbours,
            snapshot.CpuManager.Checkpoint
        );
        var changes = _changes.After(
            vms,
            violations,
            topology.Online,
            _around.CpusetsWritten?.Invoke(),
            time.GetUtcNow(),
            _around.ForeignDeeds?.Invoke()
        );
        _memory = _memory with
        {
            Repairs = _memory.Repairs + PassFigures.Repairs(changes),
            Plan = _memory.Plan with
            {
                Contests = _memory.Plan.Contests.By(ChangeDetector.Writers(changes)),
            },
        };
        if (snapshot.Cluster is { } told)
        {
            _around.Reporter?.Look(vms, changes, told);
        }

        return new PassResult(
            new NodeStatus
            {
                Node = node,
                Mode = inputs.Mode.Mode,
                ModeMessage = inputs.Mode.Message,
                Notices =
                [
                    .. inputs.Mode.Notice is { } notice ? [notice] : (string[])[],
                    .. plan.Notices,
                    .. state.Problems,
                    .. EventText.Notices(inputs.Events),
                    .. _around.NoticesOf(plan),
                ],
                Cluster = snapshot.Cluster is { } facts
                    ? new ClusterStatus(facts.Sync.State, facts.Sync.Since)
                    : null,
                Events = inputs.Events,
                Topology = topology,
                CpuManager = CpuManagerStatus.Of(snapshot.CpuManager),
                Labels = inputs.Labels,
                Vms = [.. vms.Select(vm => vm.Status)],
                Violations = violations,
                Drift = new DriftStatus(_memory.Repairs),
                Capacity = NodeCapacityStatus.Of(CapacitySurvey.Of(snapshot, plan.CpusOfVms)),
            },
            vms,
            changes,
            times
        )
        {
            IsAsTold = plan.IsAsTold,
        };
    }

    // What was set is what the next look would find.
    private static NodeSnapshot WithMasks(
        NodeSnapshot snapshot,
        ImmutableArray<VmPassResult> vms
    ) =>
        !vms.Any(vm => vm.Outcome.Threads.Any(thread => thread.IsChange))
            ? snapshot
            : snapshot with
            {
                Vms =
                [
                    .. vms.Select(vm =>
                        vm.Outcome.Plan.Vm with
                        {
                            Threads = [.. vm.Outcome.Threads.Select(thread => thread.Found)],
                        }
                    ),
                ],
            };

    private static AgentMode ModeOf(VmPlan vm, PassInputs inputs) =>
        vm.Limit == ModeLimit.None ? inputs.Mode.Mode : AgentMode.Audit;
}
