using PinAgent.Model.Node;

namespace PinAgent.Report.Doctor;

/// <summary>The kernel, its cgroups and its CPUs. Pure.</summary>
internal static class HostChecks
{
    public static IEnumerable<Finding> Of(HostFacts host) =>
        [
            host.Kernel is { } kernel
                ? Finding.Ok("kernel", kernel)
                : new("kernel", FindingLevel.Warning, "its release can't be read"),
            Proc(host),
            PidNamespace(host),
            Cgroups(host),
            .. Cpus(host),
        ];

    private static Finding Proc(HostFacts host) =>
        host.HasLiveProc
            ? Finding.Ok("/proc", "live, of the agent's own PID namespace")
            : new(
                "/proc",
                FindingLevel.Problem,
                "a copy, or of another PID namespace: its thread ids mean nothing to this kernel",
                "pinning: the agent audits only",
                "Mount the host's /proc below --host-root, and run the agent's pod with hostPID: true"
            );

    private static Finding PidNamespace(HostFacts host) =>
        host.ShowsKernelThreads
            ? Finding.Ok("PID namespace", "the host's")
            : new(
                "PID namespace",
                FindingLevel.Warning,
                "a container's: no kernel threads are seen",
                "VMs outside the container aren't seen, nor vhost and kvm-pit threads",
                "Run the agent's pod with hostPID: true; a node that is itself a container (kind) can't have more"
            );

    private static Finding Cgroups(HostFacts host) =>
        host.HasCpusets
            ? Finding.Ok("cgroups", $"{string.Join(" and ", host.Cgroups)}, with cpusets")
            : new(
                "cgroups",
                FindingLevel.Problem,
                host.CgroupProblem ?? "v2 without the cpuset controller",
                "pinning: which CPUs a VM has isn't known",
                host.CgroupProblem is null
                    ? "Switch the controller on: a kernel with CONFIG_CPUSETS, cpuset in the root's cgroup.subtree_control"
                    : "Let the agent see the host's /proc/1/mountinfo and mount the host's /sys/fs/cgroup"
            );

    private static IEnumerable<Finding> Cpus(HostFacts host)
    {
        if (host.Topology is not { } topology)
        {
            yield return new(
                "CPUs",
                FindingLevel.Problem,
                host.TopologyProblem ?? "unknown",
                "pinning",
                "Mount the host's /sys below --host-root"
            );
            yield break;
        }

        var offline = topology.Offline.IsEmpty ? "" : $", offline {topology.Offline}";
        yield return Finding.Ok(
            "CPUs",
            $"{topology.Online.Count} online ({topology.Online}){offline}; sockets: {topology.SocketCount}, NUMA nodes: "
                + $"{topology.NumaNodes.Length}, cores: {topology.CoreCount}"
        );
        yield return Finding.Ok(
            "SMT",
            topology.ThreadsPerCore > 1 ? $"{topology.ThreadsPerCore} CPUs a core" : "off, or none"
        );
        yield return topology.Isolated.IsEmpty
            ? Finding.Ok("isolcpus", "none")
            : new(
                "isolcpus",
                FindingLevel.Warning,
                $"{topology.Isolated}",
                "the kernel doesn't balance there: threads that aren't pinned pile up on one CPU",
                "Leave CPUs that the kubelet gives out off isolcpus"
            );
        yield return Finding.Ok(
            "nohz_full",
            topology.NohzFull.IsEmpty ? "none" : $"{topology.NohzFull}"
        );
    }
}
