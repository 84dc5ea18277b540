using System.Collections.Immutable;
using PinAgent.Model.Kubernetes;
using PinAgent.Model.Node;
using PinAgent.Model.Vm;
using PinAgent.Plan.Rules;

namespace PinAgent.Plan.Dedication;

/// <summary>
/// Decides which VMs of a cluster's node are dedicated: those whose VMI says so. Where the API doesn't tell, what it
/// told before counts, and inference may continue what was begun, never begin: a Guaranteed VM with whole CPUs may
/// have exclusive CPUs without having asked for pinning.
/// </summary>
internal static class ClusterDedication
{
    /// <summary>Decides for one VM.</summary>
    /// <param name="verdict">The VM with the name its guest has.</param>
    public static DedicationVerdict Decide(
        DedicationVerdict verdict,
        NodeSnapshot snapshot,
        ClusterFacts facts,
        Decisions before
    )
    {
        if (ContainerKey.Of(verdict.Vm) is not { } container)
        {
            return Leave(
                verdict,
                Reason.NotInPod,
                "the process runs in no pod, so no VMI asks for it: pinagent run --standalone is for such VMs"
            );
        }

        var known = before.Find(container) ?? new Decision();
        known = known with { SatAlone = known.SatAlone ?? SitsAlone(verdict.Vm, snapshot) };
        var pod = facts.Pods.GetValueOrDefault(container.PodUid);
        if (pod is not null && IsForeign(container, pod, facts))
        {
            return Leave(
                verdict,
                Reason.ForeignContainer,
                $"container {container.ContainerId} isn't one of pod {pod.Namespace}/{pod.Name}: whoever made its cgroup "
                    + "isn't the pod's"
            );
        }

        var vmi = pod is null ? null : facts.FindVmi(pod);
        var annotations = ModeAnnotations.Of(vmi, pod, facts);
        verdict = verdict with { Advisories = annotations.Advisories };
        verdict = vmi switch
        {
            { Problem: null } => FromApi(verdict, vmi, pod, known, facts),
            _ when known.Vmi is { } remembered => Judge(
                verdict with
                {
                    Source = FactSource.Remembered,
                    Decision = known,
                },
                remembered,
                pod
            ),
            _ => Infer(verdict, pod, vmi, known, facts),
        };
        var isTold = vmi is { Problem: null } || (pod is not null && known.Vmi is null);
        return Lower(verdict, annotations, isTold);
    }

    // A launcher's containers are never started again, so that one which the API server doesn't name, once it names that
    // in which QEMU runs, will never be the pod's. Facts that are old may miss one.
    private static bool IsForeign(ContainerKey container, PodFacts pod, ClusterFacts facts) =>
        facts.Sync.State == SyncState.Synced
        && pod is { Problem: null, IsLauncher: true, HasComputeContainer: true }
        && container.ContainerId.Length > 0
        && !pod.Containers.Any(known => known.Id == container.ContainerId);

    private static DedicationVerdict FromApi(
        DedicationVerdict verdict,
        VmiFacts vmi,
        PodFacts? pod,
        Decision known,
        ClusterFacts facts
    ) =>
        Judge(
            verdict with
            {
                Source = FactSource.Api,
                Decision = known with { Dedicated = vmi.Spec.DedicatedCpuPlacement, Vmi = vmi },
                Advisories =
                [
                    .. verdict.Advisories,
                    .. VmiDifferences.Of(verdict.Vm, vmi, facts.Node),
                    .. BrokenRules(vmi.Spec, facts),
                ],
            },
            vmi,
            pod
        );

    private static IEnumerable<string> BrokenRules(VmiSpec vmi, ClusterFacts facts)
    {
        var findings = DedicatedRules.Check(vmi, new RuleContext(facts.SidecarGate));
        return
        [
            .. findings.Causes.Select(cause => $"{cause.Field}: {cause.Message}"),
            .. findings.Warnings,
        ];
    }

    private static DedicationVerdict Judge(DedicationVerdict verdict, VmiFacts vmi, PodFacts? pod)
    {
        verdict = verdict with
        {
            Namespace = vmi.Namespace ?? verdict.Namespace,
            Name = vmi.Name,
            Vmi = vmi,
        };
        return vmi.Spec.DedicatedCpuPlacement
            ? CheckPod(verdict with { Dedicated = true }, vmi.Spec, pod)
            : Leave(verdict, Reason.DedicatedCpusNotRequested, NodeDedication.NotRequested);
    }

    // KubeVirt asks for as many CPUs as the VM needs. Where a pod has more it is shown; where it has fewer, or isn't
    // Guaranteed, the kubelet gives it none of its own.
    private static DedicationVerdict CheckPod(DedicationVerdict verdict, VmiSpec vmi, PodFacts? pod)
    {
        if (pod is not { Problem: null } || pod.Compute is not { } compute)
        {
            return verdict;
        }

        var live = Vcpus(verdict.Vm).Count();
        var breach = PodRules.FindExclusivityBreach(compute, vmi, live > 0 ? live : vmi.Vcpus);
        return verdict with
        {
            Obstacle = breach is { IsLack: true }
                ? new(VmState.NotExclusive, Reason.PodLacksCpus, breach.Message)
                : null,
            Advisories =
            [
                .. verdict.Advisories,
                .. PodRules.FindQosBreaches(pod.Containers).Select(qos => qos.Message),
                .. breach is { IsLack: false } ? (string[])[breach.Message] : [],
            ],
        };
    }

    private static DedicationVerdict Infer(
        DedicationVerdict verdict,
        PodFacts? pod,
        VmiFacts? vmi,
        Decision known,
        ClusterFacts facts
    )
    {
        verdict = verdict with { Decision = known };
        if (pod is { IsLauncher: false, Problem: null })
        {
            return Leave(
                verdict,
                Reason.NotKubeVirt,
                $"pod {pod.Namespace}/{pod.Name} isn't a virt-launcher's, so no VMI asks for dedicated CPUs"
            );
        }

        if (known.Dedicated is true || pod is { AsksForCpuManager: true })
        {
            return Dedicated(verdict, known);
        }

        if (facts.Sync.State == SyncState.Connecting || IsAsking(pod, vmi, facts))
        {
            return verdict with
            {
                Obstacle = new(
                    VmState.Waiting,
                    Reason.ApiUnanswered,
                    "waiting for the API server to tell whether the VM asks for dedicated CPUs"
                ),
            };
        }

        return known.SatAlone is true
            ? Dedicated(verdict, known)
            : Leave(
                verdict,
                Reason.ApiUnanswered,
                $"{Unknown(pod, vmi, facts)}; nothing on the node proves that the VM asked for dedicated CPUs, so it's "
                    + "only watched"
            );
    }

    private static DedicationVerdict Dedicated(DedicationVerdict verdict, Decision known) =>
        verdict with
        {
            Dedicated = true,
            Decision = known with { Dedicated = true },
        };

    // A launcher pod that is known while its VMI is being asked for.
    private static bool IsAsking(PodFacts? pod, VmiFacts? vmi, ClusterFacts facts) =>
        pod is { IsLauncher: true, VmiName: not null }
        && vmi is null
        && facts.VmiProblem is null
        && facts.Sync.State == SyncState.Synced
        && !facts.Unfound.ContainsKey(pod.Uid);

    private static string Unknown(PodFacts? pod, VmiFacts? vmi, ClusterFacts facts) =>
        vmi?.Problem is { } broken ? $"the VMI {vmi.Namespace}/{vmi.Name} can't be read ({broken})"
        : pod is not null && facts.Unfound.TryGetValue(pod.Uid, out var reason) ? reason
        : facts.VmiProblem is { } problem ? $"the API server hasn't told of VMIs ({problem})"
        : pod is null && facts.Sync.State == SyncState.Synced
            ? $"the API server has no such pod on node {facts.Node}"
        : "the API server hasn't told of the VM";

    private static DedicationVerdict Leave(
        DedicationVerdict verdict,
        Reason reason,
        string message
    ) => verdict with { Obstacle = new(VmState.NotDedicated, reason, message) };

    // While the API doesn't tell, what the annotations were goes on.
    private static DedicationVerdict Lower(
        DedicationVerdict verdict,
        ModeAnnotations annotations,
        bool isTold
    )
    {
        if (verdict.Decision is not { } decision)
        {
            return verdict;
        }

        var isRemembered = !isTold && decision.Limit > annotations.Limit;
        var limit = isRemembered ? decision.Limit : annotations.Limit;
        return verdict with
        {
            Limit = limit,
            LimitMessage = limit switch
            {
                ModeLimit.None => null,
                _ when isRemembered =>
                    "an annotation pinagent.dev/mode that the API server told of before",
                _ => annotations.Describe(),
            },
            Decision = decision with { Limit = limit },
        };
    }

    // Null until all vCPUs are there to be seen.
    private static bool? SitsAlone(ObservedVm vm, NodeSnapshot snapshot)
    {
        var vcpus = Vcpus(vm).ToList();
        if (vm.Problem is not null || vcpus.Count == 0)
        {
            return null;
        }

        var others = snapshot.Vms.SelectMany(Vcpus).Except(vcpus).ToList();
        return vcpus.All(vcpu =>
            vcpu.Affinity is { Count: 1 } cpu
            && !vcpus.Exists(other => other != vcpu && cpu.Equals(other.Affinity))
            && !others.Exists(other => cpu.Equals(other.Affinity))
        );
    }

    private static IEnumerable<VmThread> Vcpus(ObservedVm vm) =>
        vm.Threads.Where(thread => thread.Role == ThreadRole.Vcpu);
}
