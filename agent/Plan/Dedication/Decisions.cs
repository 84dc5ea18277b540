using System.Collections.Immutable;
using PinAgent.Model.Kubernetes;
using PinAgent.Model.Node;
using PinAgent.Model.Vm;

namespace PinAgent.Plan.Dedication;

/// <summary>A container in which a VM runs. One that is restarted is another.</summary>
/// <param name="ContainerId">The container's id; empty where the cgroup names none.</param>
internal readonly record struct ContainerKey(string PodUid, string ContainerId)
{
    /// <summary>A VM's container; null outside pods.</summary>
    public static ContainerKey? Of(ObservedVm vm) =>
        vm.Cgroup is { PodUid: { } pod } cgroup ? new(pod, cgroup.ContainerId ?? "") : null;
}

/// <summary>What has been decided about the VM in a container, and on which grounds.</summary>
internal sealed record Decision
{
    /// <summary>Whether it's dedicated; null while nothing on the node or in the API has told.</summary>
    public bool? Dedicated { get; init; }

    /// <summary>The VMI that told; null where it was inferred.</summary>
    public VmiFacts? Vmi { get; init; }

    /// <summary>How far annotations lowered the mode when the API last told.</summary>
    public ModeLimit Limit { get; init; }

    /// <summary>Whether every vCPU sat alone on one CPU at first sight; null until all were seen.</summary>
    public bool? SatAlone { get; init; }
}

/// <summary>What has been decided, by container: it stays decided whether or not the API goes on answering.</summary>
internal sealed class Decisions
{
    /// <summary>Nothing has been decided.</summary>
    public static readonly Decisions None = new(ImmutableDictionary<ContainerKey, Decision>.Empty);

    private readonly ImmutableDictionary<ContainerKey, Decision> _all;

    private Decisions(ImmutableDictionary<ContainerKey, Decision> all) => _all = all;

    /// <summary>All of them.</summary>
    public IEnumerable<KeyValuePair<ContainerKey, Decision>> All => _all;

    /// <summary>Those that were made before.</summary>
    public static Decisions Of(IEnumerable<KeyValuePair<ContainerKey, Decision>> all) =>
        new(ImmutableDictionary.CreateRange(all));

    /// <summary>What has been decided about a container; null if nothing has.</summary>
    public Decision? Find(ContainerKey container) => _all.GetValueOrDefault(container);

    /// <summary>
    /// With what a pass has decided, and without the containers that are known to be gone: those whose VM isn't seen
    /// while the API doesn't know their pod, or knows it to have another container.
    /// </summary>
    internal Decisions With(
        IEnumerable<(ContainerKey Container, Decision Decision)> decided,
        ClusterFacts facts
    )
    {
        var now = decided
            .GroupBy(vm => vm.Container)
            .ToDictionary(group => group.Key, group => group.Last().Decision);
        var gone = _all
            .Keys.Where(container => !now.ContainsKey(container) && IsGone(container, facts))
            .ToList();
        var next = _all.RemoveRange(gone);
        foreach (var (container, decision) in now)
        {
            if (decision != next.GetValueOrDefault(container))
            {
                next = next.SetItem(container, decision);
            }
        }

        return next == _all ? this : new Decisions(next);
    }

    private static bool IsGone(ContainerKey container, ClusterFacts facts) =>
        facts.Sync.State == SyncState.Synced
        && (
            !facts.Pods.TryGetValue(container.PodUid, out var pod)
            || pod is { Problem: null }
                && !pod.Containers.Any(known => known.Id == container.ContainerId)
        );
}
