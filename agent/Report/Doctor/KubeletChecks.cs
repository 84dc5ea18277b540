using PinAgent.Model.Node;
using PinAgent.Model.Vm;
using PinAgent.Report.Status;

namespace PinAgent.Report.Doctor;

/// <summary>Who gives out exclusive CPUs, and the VMs that run. Pure.</summary>
internal static class KubeletChecks
{
    public static IEnumerable<Finding> Of(HostFacts host) =>
        [
            Manager(host.CpuManager),
            .. Reserved(host),
            Secrets(host),
            Qemu(host),
            .. host.Vms.SelectMany(Vm),
        ];

    private static Finding Secrets(HostFacts host)
    {
        const string Check = "kubelet's secrets";
        var exposed = string.Join(", ", host.ExposedSecrets);
        return host.ExposedSecrets.IsEmpty
                ? Finding.Ok(
                    Check,
                    $"out of reach, or none: {string.Join(", ", HostFacts.SecretFolders)}"
                )
            : host.IsInPod
                ? new(
                    Check,
                    FindingLevel.Warning,
                    $"within this pod's reach: {exposed}",
                    "who takes over the agent has the pods' secrets or the node's keys, too",
                    "Mount something empty over them, as deploy/base/daemonset.yaml does"
                )
            : Finding.Ok(Check, $"within reach of root, as on every host: {exposed}");
    }

    private static Finding Manager(CpuManagerObservation manager)
    {
        const string Check = "CPU manager";
        var evidence = string.Join("; ", manager.Evidence);
        return manager.State switch
        {
            CpuManagerState.Static
                when CheckpointContradictions.Of(manager.Checkpoint) is { IsEmpty: false } => new(
                Check,
                FindingLevel.Warning,
                $"static: {evidence}",
                "VMs and other pods run on the same CPUs",
                "Drain the node, stop the kubelet, delete cpu_manager_state and start the kubelet"
            ),
            CpuManagerState.Static => Finding.Ok(Check, $"static: {evidence}"),
            CpuManagerState.Dra => Finding.Ok(Check, $"a DRA driver in its place: {evidence}"),
            CpuManagerState.None => new(
                Check,
                FindingLevel.Warning,
                $"none: {evidence}",
                "the kubelet gives VMs no CPUs of their own: NotExclusive",
                "Set the kubelet's --cpu-manager-policy=static and its reserved CPUs; not needed on a plain host"
            ),
            _ => new(
                Check,
                FindingLevel.Warning,
                $"unknown: {evidence}",
                "the node's labels stay as they are",
                "Name the kubelet's root with --kubelet-root and let the agent read it; not needed on a plain host"
            ),
        };
    }

    private static IEnumerable<Finding> Reserved(HostFacts host)
    {
        if (host.CpuManager.State == CpuManagerState.Static)
        {
            yield return Finding.Ok(
                "reserved CPUs",
                host
                    is {
                        PodResources.Allocatable: { IsEmpty: false } given,
                        Topology: { } topology
                    }
                    ? $"{topology.Online.Except(given)}"
                    : "unknown: only the kubelet's PodResources API tells"
            );
        }
    }

    private static Finding Qemu(HostFacts host) =>
        host.VmProblem is { } problem
            ? new(
                "QEMU",
                FindingLevel.Problem,
                problem,
                "pinning",
                "Let the agent see the host's processes: hostPID: true, root"
            )
            : Finding.Ok(
                "QEMU",
                host.Vms.Length switch
                {
                    0 => "no process seen",
                    1 => "1 process seen",
                    var many => $"{many} processes seen",
                }
            );

    private static IEnumerable<Finding> Vm(ObservedVm vm)
    {
        if (vm.Problem is { Reason: { } reason, Message: { } message })
        {
            yield return new(
                $"QEMU {vm.GuestName ?? "without a name"} (pid {vm.Key.Pid})",
                FindingLevel.Warning,
                message,
                $"pinning this VM: {reason}",
                ReasonActions.Of(reason)
            );
        }
    }
}
