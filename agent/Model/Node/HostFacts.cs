using System.Collections.Immutable;
using PinAgent.Model.Cpu;
using PinAgent.Model.Kubernetes;
using PinAgent.Model.Vm;

namespace PinAgent.Model.Node;

/// <summary>What the agent stands on at this machine. What is null couldn't be read, or isn't there.</summary>
internal sealed record HostFacts
{
    /// <summary>
    /// What in the kubelet's folder isn't the agent's business: the pods' secrets, their disks, the node's keys.
    /// </summary>
    public static ImmutableArray<string> SecretFolders { get; } = ["pods", "plugins", "pki"];

    /// <summary>The kernel's release.</summary>
    public string? Kernel { get; init; }

    /// <summary>The cgroup hierarchies that can hold cpusets: <c>v1</c>, <c>v2</c>.</summary>
    public ImmutableArray<string> Cgroups { get; init; } = [];

    /// <summary>Whether the hierarchy that is used has the cpuset controller.</summary>
    public bool HasCpusets { get; init; }

    /// <summary>Why there is no hierarchy with cpusets.</summary>
    public string? CgroupProblem { get; init; }

    /// <summary>Whether the machine's <c>/proc</c> is a live one of the agent's own PID namespace.</summary>
    public bool HasLiveProc { get; init; }

    /// <summary>Whether <c>/proc</c> shows the kernel's own threads, as only the host's PID namespace does.</summary>
    public bool ShowsKernelThreads { get; init; }

    /// <summary>How <c>/proc</c> hides other users' processes: its mount option <c>hidepid</c>.</summary>
    public string? HidePid { get; init; }

    /// <summary>Whether this process is another user's than root's, on a live machine.</summary>
    public bool IsUnprivileged { get; init; }

    /// <summary>The effective capabilities of this process, a bit each; null if its <c>/proc</c> isn't live.</summary>
    public ulong? Capabilities { get; init; }

    /// <summary>Yama's <c>ptrace_scope</c>.</summary>
    public string? PtraceScope { get; init; }

    /// <summary>Whether SELinux enforces.</summary>
    public bool? SelinuxEnforces { get; init; }

    /// <summary>Whether AppArmor is on.</summary>
    public bool HasAppArmor { get; init; }

    /// <summary>The security module's label of this process.</summary>
    public string? SecurityLabel { get; init; }

    /// <summary>The CPUs.</summary>
    public NodeTopology? Topology { get; init; }

    /// <summary>Why the CPUs aren't known.</summary>
    public string? TopologyProblem { get; init; }

    /// <summary>The kubelet's CPU manager.</summary>
    public required CpuManagerObservation CpuManager { get; init; }

    /// <summary>Whether this process runs in a pod.</summary>
    public bool IsInPod { get; init; }

    /// <summary>The folders of the kubelet's secrets that have something in them as far as this process sees.</summary>
    public ImmutableArray<string> ExposedSecrets { get; init; } = [];

    /// <summary>What the kubelet's PodResources API has told.</summary>
    public PodResources? PodResources { get; init; }

    /// <summary>The QEMU processes.</summary>
    public ImmutableArray<ObservedVm> Vms { get; init; } = [];

    /// <summary>Why the QEMU processes aren't known.</summary>
    public string? VmProblem { get; init; }
}
