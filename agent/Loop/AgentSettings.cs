using Microsoft.Extensions.DependencyInjection;
using PinAgent.Model.Kubernetes;
using PinAgent.Model.Node;
using PinAgent.Observe.Cgroups;
using PinAgent.Observe.Files;
using PinAgent.Report;
using PinAgent.Report.Endpoint;

namespace PinAgent.Loop;

/// <summary>What the administrator has told the agent.</summary>
/// <param name="HostRoot">Where <c>/proc</c>, <c>/sys</c> and the kubelet's folder are.</param>
/// <param name="Kubelet">The kubelet's folder, below the host root, and the cgroup of its pods.</param>
/// <param name="Vms">Which VMs are dedicated, outside a cluster.</param>
/// <param name="Mode">
/// The mode before each pass, given the machine's files and whether their <c>/proc</c> is this kernel's.
/// </param>
/// <param name="Cluster">The cluster; null for a machine without one.</param>
internal sealed record AgentSettings(
    string HostRoot,
    KubeletPlace Kubelet,
    string NodeName,
    string StateDir,
    PlanSettings Vms,
    Func<HostFiles, bool, Func<EffectiveMode>> Mode,
    ClusterSettings? Cluster
);

/// <summary>What the administrator has told of the cluster.</summary>
/// <param name="KubeConfig">How to reach it; null for the pod's or the user's own way.</param>
/// <param name="Labels">Who sets the node's labels, and which.</param>
/// <param name="AnnotatesPods">Whether pods are annotated with their placement.</param>
/// <param name="AsksForVmis">Whether VMIs are asked for, or only pods.</param>
internal sealed record ClusterSettings(
    string? KubeConfig,
    string KubeVirtNamespace,
    LabelSettings Labels,
    bool AnnotatesPods,
    bool AsksForVmis
);

/// <summary>How a running agent looks, and where it shows what it sees.</summary>
/// <param name="Interval">The longest time between two looks.</param>
/// <param name="Scrape">Where a Prometheus elsewhere reads the metrics; null for nowhere.</param>
/// <param name="Events">How the kernel tells who changes a thread.</param>
internal sealed record LoopSettings(
    TimeSpan Interval,
    EndpointSettings Endpoint,
    ScrapeSettings? Scrape,
    MaskEvents Events,
    AgentLog Log
);

/// <summary>Where it logs.</summary>
/// <param name="AddTo">Lets services log.</param>
/// <param name="Dropped">How many lines weren't written so far, as nobody read them.</param>
internal sealed record AgentLog(Action<IServiceCollection> AddTo, Func<long> Dropped);

/// <summary>Whether the kernel is asked who changes a thread.</summary>
internal enum MaskEvents
{
    /// <summary>By probes of its functions; where they can't be had, not.</summary>
    Auto,

    /// <summary>It isn't.</summary>
    Off,

    /// <summary>By probes; where they can't be had, that's said.</summary>
    Probes,

    /// <summary>By the tracepoints of system calls.</summary>
    Syscalls,
}
