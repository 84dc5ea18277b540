using System.Collections.Immutable;
using PinAgent.Apply;
using PinAgent.Model.Node;
using PinAgent.Model.Vm;
using PinAgent.NativeInterop;
using PinAgent.Observe;
using PinAgent.Observe.Events;
using PinAgent.Plan;
using PinAgent.Plan.Capacity;
using PinAgent.Plan.Contests;
using PinAgent.Plan.Dedication;
using PinAgent.Plan.Placement;
using PinAgent.Plan.Rivals;
using PinAgent.Report;
using PinAgent.Report.Cluster;
using PinAgent.Report.Metrics;
using PinAgent.Report.Status;
using PinAgent.Report.Violations;
using PinAgent.State;

namespace PinAgent.Loop;

/// <summary>One pass over the node: observe → plan → apply → report. Right on its own, whatever happened before.</summary>
/// <param name="observer">The first stage.</param>
/// <param name="settings">What the administrator has told.</param>
/// <param name="policy">The placement policy.</param>
/// <param name="applier">The third stage.</param>
/// <param name="node">The node's name.</param>
/// <param name="mode">Tells, before each pass, whether masks are written.</param>
/// <param name="state">What is kept across the agent's restart.</param>
/// <param name="time">The clock.</param>
/// <param name="labels">Keeps the node's labels; null outside a cluster.</param>
/// <param name="reporter">Tells the cluster what was done; null outside a cluster.</param>
/// <param name="events">Says whether the kernel tells of new threads; null where it isn't asked.</param>
/// <param name="survey">Looks around the VMs; null where nobody does.</param>
internal sealed class PinPass(
    NodeObserver observer,
    PlanSettings settings,
    IPlacementPolicy policy,
    PlanApplier applier,
    string node,
    Func<EffectiveMode> mode,
    AgentState state,
    TimeProvider time,
    LabelKeeper? labels = null,
    ClusterReporter? reporter = null,
    Func<EventSource>? events = null,
    NeighbourLoop? survey = null
)
{
    // Whoever names threads without end mustn't keep the others' from being told.
    private const int MostRounds = 100;

    private readonly PinTimes _pinTimes = new();
    private HeldPlacements _held = HeldPlacements.None;
    private ImmutableHashSet<VmKey> _enforced = [];
    private Decisions _decisions = state.Decisions?.Load() ?? Decisions.None;
    private NodeContests _contests = state.Contests.Load();
    private Disagreements _disagreements = Disagreements.None;
    private Overlaps _overlaps = Overlaps.None;
    private NodeSnapshot? _snapshot;
    private Inputs? _inputs;
    private PassResult? _result;
    private bool _isAtRest;
    private long _repairs;

    /// <summary>Makes a pass over the whole node.</summary>
    /// <exception cref="InvalidDataException">The node can't be read at all: the message says which file and why.</exception>
    public PassResult Run() => Run(PassScope.Everything, [], () => []);

    /// <summary>
    /// Makes a pass. One that looks no further than it must takes the rest of the node as the pass before has left it. Threads
    /// that name themselves meanwhile are pinned before anything is kept or told of the first: a QEMU that starts names them
    /// one after the other.
    /// </summary>
    /// <param name="scope">How far it looks.</param>
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
        // What came to rest would come to the same again.
        if (inputs == _inputs && _isAtRest && _result is { } result)
        {
            reporter?.LookAgain();
            return result;
        }

        List<Pins> rounds = [Pin(inputs, named)];
        while (rounds.Count < MostRounds && more() is { Count: > 0 } others)
        {
            rounds.Add(Pin(LookAround(Observe(PassScope.Named, others)), others));
        }

        var pins = rounds.Aggregate((before, next) => next.After(before));
        _result = Tell(pins);

        // The second time with the same inputs, it had its own decisions before it. A disagreement is told when its time
        // has come.
        _isAtRest =
            pins.AreOfSameInputs
            && state.Problems.IsEmpty
            && !_disagreements.IsPending
            && !_overlaps.IsPending
            && pins.Vms.All(vm => vm.Outcome.IsAtRest);
        return _result;
    }

    private NodeSnapshot Observe(PassScope scope, IReadOnlyList<NamedThread> named) =>
        _snapshot is not { } before || scope == PassScope.Everything ? observer.Observe()
        : scope == PassScope.Changes ? observer.ObserveNamed(observer.ObserveChanges(before), named)
        : observer.ObserveNamed(before, named);

    private Inputs LookAround(NodeSnapshot snapshot)
    {
        if (snapshot.Cluster is { } told)
        {
            labels?.Look(snapshot.CpuManager, told);
        }

        return new Inputs(
            snapshot,
            mode(),
            state.Released.Look(),
            labels?.Status ?? ImmutableSortedDictionary<string, LabelStatus>.Empty,
            events?.Invoke(),
            survey?.Found ?? NodeNeighbours.Nothing
        );
    }

    private Pins Pin(Inputs inputs, IReadOnlyList<NamedThread> named)
    {
        var isSame = inputs == _inputs;
        _inputs = inputs;
        var now = time.GetElapsedTime(0);
        var plan = NodePlanner.Plan(
            inputs.Snapshot,
            settings with
            {
                Released = inputs.Released,
            },
            _held,
            policy,
            _decisions,
            inputs.Mode.Mode == AgentMode.Enforce ? _contests : NodeContests.None,
            now,
            _overlaps
        );

        // First, so that an agent that is ended half-way knows what it has begun.
        state.Decisions?.Keep(plan.Decisions);
        var vms = plan
            .Vms.Select(vm => new VmPassResult(
                applier.Apply(vm, ModeOf(vm, inputs)),
                WasHeld: vm.Placement is { } placement
                    && _held.Contains(vm.Vm.Key, placement)
                    && _enforced.Contains(vm.Vm.Key)
            ))
            .ToImmutableArray();
        var times = _pinTimes.After(named, vms, time.GetElapsedTime(0));
        _contests = plan.Contests.With(vms.Select(vm => (vm.Outcome.Plan.Vm.Key, vm.PutBack)), now);
        _snapshot = WithMasks(inputs.Snapshot, vms);
        (_held, _overlaps) = (plan.Held, plan.Overlaps);
        _enforced =
        [
            .. plan
                .Vms.Where(vm => ModeOf(vm, inputs) == AgentMode.Enforce)
                .Select(vm => vm.Vm.Key),
        ];
        _decisions = plan.Decisions;
        _disagreements = _disagreements.With(plan.Vms, now);
        return new Pins(inputs, isSame, plan, vms, times);
    }

    private PassResult Tell(Pins pins)
    {
        var (inputs, _, plan, vms, times) = pins;
        var snapshot = inputs.Snapshot;
        state.Masks.Keep([.. vms.Select(vm => vm.Outcome)]);
        state.Contests.Keep(_contests);
        survey?.Follow(plan.Vms);
        _repairs += vms.Where(vm => vm.WasHeld)
            .Sum(vm =>
                vm.Outcome.Threads.Count(thread =>
                    thread is { IsChange: true, Planned.IsNew: false }
                )
            );
        if (snapshot.Cluster is { } told)
        {
            reporter?.Look(vms, told);
        }

        return new PassResult(
            new NodeStatus
            {
                Node = node,
                Mode = inputs.Mode.Mode,
                ModeMessage = inputs.Mode.Message,
                Notices = [.. plan.Notices, .. state.Problems, .. EventNotices(inputs.Events)],
                Cluster = snapshot.Cluster is { } facts
                    ? new ClusterStatus(facts.Sync.State, facts.Sync.Since)
                    : null,
                Events = inputs.Events,
                Topology = TopologyStatus.Of(snapshot.Topology),
                CpuManager = CpuManagerStatus.Of(snapshot.CpuManager),
                Labels = inputs.Labels,
                Vms = [.. vms.Select(vm => vm.Status)],
                Violations = NodeViolations.Of(
                    [.. vms.Select(vm => vm.Outcome)],
                    snapshot.Topology,
                    _disagreements,
                    inputs.Survey
                ),
                Drift = new DriftStatus(_repairs),
                Capacity = NodeCapacityStatus.Of(CapacitySurvey.Of(snapshot)),
            },
            vms,
            times
        );
    }

    private static IEnumerable<string> EventNotices(EventSource? source) =>
        source?.Message is not { } why ? []
        : source.State == EventSourceState.Listening ? [why]
        : [$"New VMs are found by looking, not at once: {why}"];

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

    private static AgentMode ModeOf(VmPlan vm, Inputs inputs) =>
        vm.Limit == ModeLimit.None ? inputs.Mode.Mode : AgentMode.Audit;

    /// <summary>What was pinned, before anybody is told of it.</summary>
    private sealed record Pins(
        Inputs Inputs,
        bool AreOfSameInputs,
        NodePlan Plan,
        ImmutableArray<VmPassResult> Vms,
        IReadOnlyList<TimeSpan> Times
    )
    {
        /// <summary>These, as if they had been one with what was pinned just before.</summary>
        public Pins After(Pins before)
        {
            var then = before.Vms.ToDictionary(vm => vm.Outcome.Plan.Vm.Key);
            return this with
            {
                Vms =
                [
                    .. Vms.Select(vm =>
                        then.TryGetValue(vm.Outcome.Plan.Vm.Key, out var first)
                            ? vm.After(first)
                            : vm
                    ),
                ],
                Times = [.. before.Times, .. Times],
            };
        }
    }

    // All that a pass depends on, beside what the one before it has left.
    private sealed record Inputs(
        NodeSnapshot Snapshot,
        EffectiveMode Mode,
        ImmutableHashSet<string> Released,
        ImmutableSortedDictionary<string, LabelStatus> Labels,
        EventSource? Events,
        NodeNeighbours Survey
    );
}
