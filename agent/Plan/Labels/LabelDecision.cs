using System.Collections.Immutable;
using PinAgent.Model.Kubernetes;

namespace PinAgent.Plan.Labels;

/// <summary>What to do about the labels that say that the CPU manager runs.</summary>
internal enum LabelAction
{
    /// <summary>Nothing: they are right, or not ours to judge.</summary>
    Nothing,

    /// <summary>Set ours, with one server-side apply.</summary>
    Apply,

    /// <summary>Apply none, so that those that are only ours go.</summary>
    GiveUp,

    /// <summary>Say that others have set a wrong one.</summary>
    ReportWrong,
}

/// <summary>What must be known before the node is looked at.</summary>
/// <param name="IsRunning">Whether the CPU manager runs; null if that isn't known yet.</param>
internal sealed record LabelQuestion(bool? IsRunning, FeatureGate Gate)
{
    /// <summary>Whether there is something to decide.</summary>
    public bool IsDecidable =>
        Gate == FeatureGate.Off || (Gate == FeatureGate.On && IsRunning is not null);
}

/// <summary>One label.</summary>
/// <param name="Wanted"><c>true</c>; null for no label, and where the administrator sets it.</param>
/// <param name="Actual">Its value; null if there's no such label.</param>
/// <param name="Owner">Who has set it; null if nobody is recorded.</param>
/// <param name="Problem">Why it's wrong and stays so; null if it isn't.</param>
internal sealed record LabelFinding(
    string Key,
    string? Wanted,
    string? Actual,
    string? Owner,
    string? Problem
);

/// <summary>The decision about a node's labels. Pure.</summary>
/// <param name="Keys">The labels to apply, each with the value <c>true</c>; what else was ours is given up by that.</param>
/// <param name="Labels">Each label as it's found.</param>
internal sealed record LabelDecision(
    LabelAction Action,
    ImmutableArray<string> Keys,
    ImmutableArray<LabelFinding> Labels,
    string Message
)
{
    /// <summary>Our name in <c>metadata.managedFields</c>.</summary>
    public const string Manager = "pinagent";

    /// <summary>virt-handler's name there.</summary>
    private const string Handler = "virt-handler";

    /// <summary>The only value that means "it runs"; <c>false</c> and no label mean the same.</summary>
    public const string True = "true";

    /// <summary>Whether something is to be written.</summary>
    public bool IsWrite => Action is LabelAction.Apply or LabelAction.GiveUp;

    /// <summary>Decides.</summary>
    /// <param name="question">The CPU manager and the feature gate.</param>
    /// <param name="settings">What the administrator has told.</param>
    /// <param name="node">The node's labels and their owners.</param>
    /// <param name="hasLiveHandler">Whether virt-handler is alive on the node.</param>
    public static LabelDecision Decide(
        LabelQuestion question,
        LabelSettings settings,
        NodeLabels node,
        bool hasLiveHandler
    )
    {
        var ours = node
            .Owners.Where(IsOurs)
            .SelectMany(owner => owner.Keys)
            .Order(StringComparer.Ordinal)
            .ToImmutableArray();
        return question switch
        {
            { Gate: FeatureGate.Unknown } => new(
                LabelAction.Nothing,
                [],
                Find(settings, node),
                "it isn't known whether the feature gate CPUManager is on"
            ),
            { Gate: FeatureGate.Off } => WithoutGate(settings, node, ours),
            { IsRunning: { } isRunning } => IsObserving(settings, hasLiveHandler)
                ? Observe(isRunning, settings, node, hasLiveHandler)
                : Manage(isRunning, settings, node, ours),
            _ => new(
                LabelAction.Nothing,
                [],
                Find(settings, node),
                "it isn't known yet whether the CPU manager runs"
            ),
        };
    }

    private static LabelDecision WithoutGate(
        LabelSettings settings,
        NodeLabels node,
        ImmutableArray<string> ours
    ) =>
        ours.IsEmpty || settings.Mode == LabelMode.Observe
            ? new(
                LabelAction.Nothing,
                [],
                Find(settings, node),
                "the feature gate CPUManager is off: the labels are the administrator's"
            )
            : new(
                LabelAction.GiveUp,
                [],
                Find(settings, node),
                $"the feature gate CPUManager is off: PinAgent gives up {string.Join(", ", ours)}"
            );

    private static bool IsObserving(LabelSettings settings, bool hasLiveHandler) =>
        settings.Mode switch
        {
            LabelMode.Manage => false,
            LabelMode.Observe => true,
            _ => hasLiveHandler,
        };

    private static LabelDecision Observe(
        bool isRunning,
        LabelSettings settings,
        NodeLabels node,
        bool hasLiveHandler
    )
    {
        var unwritten = hasLiveHandler ? Unwritten(settings, node) : [];
        var wrong = settings
            .Keys.Where(key => IsWrong(key, isRunning, node) && !unwritten.Contains(key))
            .ToImmutableArray();
        var who =
            settings.Mode == LabelMode.Observe
                ? "the labels are only observed, as told"
                : "virt-handler is alive and sets the labels";
        return new(
            wrong.IsEmpty ? LabelAction.Nothing : LabelAction.ReportWrong,
            [],
            [
                .. Find(settings, node, isRunning, wrong)
                    .Select(found =>
                        unwritten.Contains(found.Key) ? found with { Wanted = null } : found
                    ),
            ],
            $"{Words(isRunning)}; {who}"
                + (unwritten.IsEmpty ? "" : $", but for {string.Join(", ", unwritten)}")
                + (wrong.IsEmpty ? "" : $": wrong: {string.Join(", ", wrong)}")
        );
    }

    // The keys that a virt-handler which is alive doesn't know: up to KubeVirt 1.7 it writes cpumanager alone, and one
    // day another. Those it does know are there, with one value or the other, from its first heartbeat on. It owns what
    // it has changed, but not what somebody had set to the same value before.
    private static ImmutableArray<string> Unwritten(LabelSettings settings, NodeLabels node)
    {
        var written = settings.Keys.Where(key => IsWrittenByHandler(key, node)).ToList();
        return written.Count > 0 ? [.. settings.Keys.Except(written)]
            : settings.Keys.Any(key => node.Find(key) is not null)
                ? [.. settings.Keys.Where(key => node.Find(key) is null)]
            : [];
    }

    private static bool IsWrittenByHandler(string key, NodeLabels node) =>
        node.Owners.Any(owner => owner.Manager == Handler && owner.Keys.Contains(key));

    // Without force the server refuses a whole request for one label that others own with another value. Such ones are
    // left out, so that the rest gets through.
    private static LabelDecision Manage(
        bool isRunning,
        LabelSettings settings,
        NodeLabels node,
        ImmutableArray<string> ours
    )
    {
        var wrong = settings.Keys.Where(key => IsWrong(key, isRunning, node)).ToImmutableArray();
        var foreign = wrong
            .Where(key => isRunning ? IsOfOthers(key, node) : !ours.Contains(key))
            .ToImmutableArray();
        var apply = isRunning
            ? settings
                .Keys.Where(key =>
                    ours.Contains(key) || (wrong.Contains(key) && !foreign.Contains(key))
                )
                .ToImmutableArray()
            : [];
        var isWrite = isRunning
            ? wrong.Length > foreign.Length || ours.Any(key => !settings.Keys.Contains(key))
            : ours.Length > 0;
        return new(
            isWrite && apply.IsEmpty ? LabelAction.GiveUp
                : isWrite ? LabelAction.Apply
                : foreign.IsEmpty ? LabelAction.Nothing
                : LabelAction.ReportWrong,
            isWrite ? apply : [],
            Find(settings, node, isRunning, foreign),
            $"{Words(isRunning)}"
                + (
                    foreign.IsEmpty
                        ? ""
                        : $"; others own what's wrong and it's left to them: {string.Join(", ", foreign)}"
                )
        );
    }

    private static bool IsWrong(string key, bool isRunning, NodeLabels node) =>
        node.Find(key) == True != isRunning;

    private static bool IsOurs(LabelOwner owner) => owner is { Manager: Manager, IsApplied: true };

    private static bool IsOfOthers(string key, NodeLabels node) =>
        node.Find(key) is not null
        && node.Owners.Any(owner => !IsOurs(owner) && owner.Keys.Contains(key));

    private static ImmutableArray<LabelFinding> Find(LabelSettings settings, NodeLabels node) =>
        [
            .. settings.Keys.Select(key => new LabelFinding(
                key,
                null,
                node.Find(key),
                Owner(key, node),
                null
            )),
        ];

    private static ImmutableArray<LabelFinding> Find(
        LabelSettings settings,
        NodeLabels node,
        bool isRunning,
        ImmutableArray<string> wrong
    ) =>
        [
            .. Find(settings, node)
                .Select(found =>
                    found with
                    {
                        Wanted = isRunning ? True : null,
                        Problem = wrong.Contains(found.Key)
                            ? $"{(found.Actual is { } actual ? $"\"{actual}\"" : "absent")}, set by "
                                + $"{found.Owner ?? "nobody on record"}; {Words(isRunning)}, so it should be "
                                + (isRunning ? "\"true\"" : "absent or \"false\"")
                            : null,
                    }
                ),
        ];

    private static string? Owner(string key, NodeLabels node) =>
        node
            .Owners.Where(owner => owner.Keys.Contains(key))
            .Select(owner => owner.Manager)
            .Distinct()
            .ToList()
            is { Count: > 0 } owners
            ? string.Join(", ", owners)
            : null;

    private static string Words(bool isRunning) =>
        isRunning ? "the CPU manager runs" : "the CPU manager doesn't run";
}
