using System.Collections.Immutable;
using PinAgent.Model.Changes;
using PinAgent.Model.Kubernetes;

namespace PinAgent.Report.Cluster;

/// <summary>
/// Tells the cluster what passes did: events on the VM's pod and its VMI, and, where that is switched on, the pod's
/// annotation <c>pinagent.dev/placement</c>. Nothing is written at rest.
/// </summary>
internal sealed class ClusterReporter
{
    private readonly ApiOutbox _outbox;
    private readonly string _node;
    private readonly bool _annotates;
    private readonly TimeProvider _time;
    private readonly EventLedger _ledger = new();
    private readonly Dictionary<string, string?> _annotated = [];

    /// <summary>Creates a reporter.</summary>
    /// <param name="outbox">Takes what is to be sent.</param>
    /// <param name="annotates">Whether pods are annotated.</param>
    internal ClusterReporter(ApiOutbox outbox, string node, bool annotates, TimeProvider time) =>
        (_outbox, _node, _annotates, _time) = (outbox, node, annotates, time);

    /// <summary>Takes in a pass; returns at once.</summary>
    public void Look(
        ImmutableArray<VmPassResult> vms,
        ImmutableArray<VmChange> changes,
        ClusterFacts facts
    )
    {
        var happened =
            from change in changes
            where change.Key is not null
            let occurrence = VmEvent.Of(change)
            where occurrence is not null
            from vm in vms
            where vm.Outcome.Plan.Vm.Key == change.Key
            from subject in Subjects(vm, facts)
            select (subject, occurrence);
        Send(happened);
        if (_annotates)
        {
            Annotate(vms, facts);
        }
    }

    /// <summary>Takes in that a pass came to the same as the one before; returns at once.</summary>
    public void LookAgain() => Send([]);

    private void Send(IEnumerable<(EventSubject, VmEvent)> happened)
    {
        foreach (var series in _ledger.Take(happened, _time.GetUtcNow()))
        {
            _outbox.Put($"event {series.Name} {series.IsNew}", ApiEvent.Write(series, _node));
        }
    }

    private static PodFacts? PodOf(VmPassResult vm, ClusterFacts facts) =>
        vm.Status.PodUid is { } uid && facts.Pods.TryGetValue(uid, out var pod) && pod.IsLauncher
            ? pod
            : null;

    private static IEnumerable<EventSubject> Subjects(VmPassResult vm, ClusterFacts facts)
    {
        if (PodOf(vm, facts) is not { } pod)
        {
            yield break;
        }

        yield return new EventSubject("v1", "Pod", pod.Namespace, pod.Name, pod.Uid);
        if (facts.FindVmi(pod) is { Uid: { } vmiUid } vmi)
        {
            yield return new EventSubject(
                "kubevirt.io/v1",
                "VirtualMachineInstance",
                vmi.Namespace ?? pod.Namespace,
                vmi.Name,
                vmiUid
            );
        }
    }

    // One write per change. What somebody else does to the annotation stays until the next change.
    private void Annotate(ImmutableArray<VmPassResult> vms, ClusterFacts facts)
    {
        foreach (var vm in vms)
        {
            if (PodOf(vm, facts) is not { IsDeleting: false } pod)
            {
                continue;
            }

            var wanted = PlacementText.Of(vm.Status);
            if (wanted != _annotated.GetValueOrDefault(pod.Uid, pod.Placement))
            {
                _outbox.Put($"placement {pod.Uid}", ApiPlacementPatch.Write(pod, wanted));
            }

            _annotated[pod.Uid] = wanted;
        }

        foreach (var gone in _annotated.Keys.Where(uid => !facts.Pods.ContainsKey(uid)).ToList())
        {
            _annotated.Remove(gone);
        }
    }
}
