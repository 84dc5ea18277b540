using System.Collections.Immutable;
using PinAgent.Apply;
using PinAgent.Apply.Kubernetes;
using PinAgent.Model;
using PinAgent.Observe;
using PinAgent.Plan;
using PinAgent.Report;
using PinAgent.Report.Promises;
using PinAgent.State;

namespace PinAgent;

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
public sealed class PinPass(
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
    SurveyLoop? survey = null
)
{
    private HeldPlacements _held = HeldPlacements.None;
    private ImmutableHashSet<VmKey> _enforced = [];
    private Decisions _decisions = state.Decisions?.Load() ?? Decisions.None;
    private Contests _contests = state.Contests.Load();
    private Disagreements _disagreements = Disagreements.None;
    private NodeSnapshot? _snapshot;
    private Inputs? _inputs;
    private PassResult? _result;
    private bool _isAtRest;
    private long _repairs;

    /// <summary>Makes a pass over the whole node.</summary>
    /// <exception cref="InvalidDataException">The node can't be read at all: the message says which file and why.</exception>
    public PassResult Run() => Run(observer.Observe());

    /// <summary>
    /// Makes a pass that reads no more than it takes to see whether anything has changed, and takes the rest as the pass
    /// before has left it.
    /// </summary>
    /// <returns>The very same result where nothing has changed.</returns>
    /// <exception cref="InvalidDataException">As <see cref="Run()"/>.</exception>
    public PassResult RunForChanges() =>
        Run(_snapshot is { } before ? observer.ObserveChanges(before) : observer.Observe());

    /// <summary>
    /// Makes a pass that looks at these processes only and takes the rest of the node as the pass before has left it.
    /// </summary>
    /// <param name="pids">The processes; those that are no VMs, or have ended, do no harm.</param>
    public PassResult RunFor(IReadOnlySet<int> pids) =>
        Run(_snapshot is { } before ? observer.ObserveAgain(before, pids) : observer.Observe());

    // What came to rest would come to the same again.
    private PassResult Run(NodeSnapshot snapshot)
    {
        if (snapshot.Cluster is { } told)
        {
            labels?.Look(snapshot.CpuManager, told);
        }

        var inputs = new Inputs(
            snapshot,
            mode(),
            state.Released.Look(),
            labels?.Status ?? ImmutableSortedDictionary<string, LabelStatus>.Empty,
            events?.Invoke(),
            survey?.Found ?? NodeSurvey.Nothing
        );
        var isSame = inputs == _inputs;
        if (isSame && _isAtRest && _result is { } result)
        {
            reporter?.LookAgain();
            return result;
        }

        _inputs = inputs;
        _result = Run(inputs);

        // The second time with the same inputs, it had its own decisions before it. A disagreement is told when its time
        // has come.
        _isAtRest =
            isSame
            && state.Problems.IsEmpty
            && !_disagreements.IsPending
            && _result.Vms.All(vm => vm.Outcome.IsAtRest);
        return _result;
    }

    private PassResult Run(Inputs inputs)
    {
        var snapshot = inputs.Snapshot;
        var now = time.GetElapsedTime(0);
        var plan = NodePlanner.Plan(
            snapshot,
            settings with
            {
                Released = inputs.Released,
            },
            _held,
            policy,
            _decisions,
            inputs.Mode.Mode == AgentMode.Enforce ? _contests : Contests.None,
            now
        );

        // First, so that an agent that is ended half-way knows what it has begun.
        state.Decisions?.Keep(plan.Decisions);
        var vms = plan
            .Vms.Select(vm =>
            {
                var outcome = applier.Apply(vm, ModeOf(vm, inputs));
                return new VmPassResult(
                    outcome,
                    StatusBuilder.Build(outcome),
                    WasHeld: vm.Placement is { } placement
                        && _held.Contains(vm.Vm.Key, placement)
                        && _enforced.Contains(vm.Vm.Key)
                );
            })
            .ToImmutableArray();
        state.Masks.Keep([.. vms.Select(vm => vm.Outcome)]);
        _contests = plan.Contests.With(vms.Select(vm => (vm.Outcome.Plan.Vm.Key, vm.PutBack)), now);
        state.Contests.Keep(_contests);
        _snapshot = WithMasks(snapshot, vms);
        _held = plan.Held;
        _enforced =
        [
            .. plan
                .Vms.Where(vm => ModeOf(vm, inputs) == AgentMode.Enforce)
                .Select(vm => vm.Vm.Key),
        ];
        _decisions = plan.Decisions;
        _disagreements = _disagreements.With(plan.Vms, now);
        survey?.Follow(plan.Vms);
        _repairs += vms.Where(vm => vm.WasHeld)
            .Sum(vm => vm.Outcome.Threads.Count(thread => thread.IsChange));
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
                Violations = BrokenPromises.Of(
                    [.. vms.Select(vm => vm.Outcome)],
                    snapshot.Topology,
                    _disagreements,
                    inputs.Survey
                ),
                Drift = new DriftStatus(_repairs),
                Capacity = NodeCapacityStatus.Of(CapacitySurvey.Of(snapshot)),
            },
            vms
        );
    }

    private static IEnumerable<string> EventNotices(EventSource? source) =>
        source?.Message is { } why ? [$"New VMs are found by looking, not at once: {why}"] : [];

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

    // All that a pass depends on, beside what the one before it has left.
    private sealed record Inputs(
        NodeSnapshot Snapshot,
        EffectiveMode Mode,
        ImmutableHashSet<string> Released,
        ImmutableSortedDictionary<string, LabelStatus> Labels,
        EventSource? Events,
        NodeSurvey Survey
    );
}

/// <summary>The mode the agent runs in.</summary>
/// <param name="Mode">The mode.</param>
/// <param name="Message">Why it isn't the one asked for, or what else is to be said of it; null if nothing is.</param>
public sealed record EffectiveMode(AgentMode Mode, string? Message);

/// <summary>What a pass did.</summary>
/// <param name="Status">What administrators see.</param>
/// <param name="Vms">The same by VM, with what was done.</param>
public sealed record PassResult(NodeStatus Status, ImmutableArray<VmPassResult> Vms);

/// <summary>What a pass did to one VM.</summary>
/// <param name="Outcome">What came of its plan.</param>
/// <param name="Status">What administrators see.</param>
/// <param name="WasHeld">
/// Whether its placement is the one that the pass before enforced, so that a change was a repair.
/// </param>
public sealed record VmPassResult(VmOutcome Outcome, VmStatus Status, bool WasHeld)
{
    /// <summary>The threads that had strayed, and are where they belong again.</summary>
    public ImmutableArray<ThreadKey> PutBack =>
        WasHeld
            ?
            [
                .. Outcome
                    .Threads.Where(thread =>
                        thread.Outcome == Apply.Outcome.Applied || thread.IsSchedulingChange
                    )
                    .Select(thread => ThreadKey.Of(thread.Planned.Thread)),
            ]
            : [];
}
