using PinAgent.Model.Kubernetes;
using PinAgent.Model.Node;
using PinAgent.Observe.Cgroups;
using PinAgent.Observe.Files;
using PinAgent.Observe.Kubelet;
using PinAgent.Observe.Proc;
using PinAgent.Observe.Qemu;
using PinAgent.Observe.Topology;

namespace PinAgent.Observe.Doctor;

/// <summary>Gathers what the agent stands on, once, for <c>pinagent doctor</c>. Nothing is judged here.</summary>
internal static class HostSurvey
{
    /// <summary>Looks.</summary>
    /// <param name="kubeletRoot">The kubelet's root folder on that machine.</param>
    /// <param name="podResources">What the kubelet's PodResources API has answered.</param>
    /// <param name="podCgroup">The cgroup of the kubelet's pods; null to find it.</param>
    public static HostFacts Look(
        HostFiles files,
        string kubeletRoot,
        PodResourcesObservation podResources,
        string? podCgroup = null
    )
    {
        var cpuManager = CpuManagerObserver.Observe(files, kubeletRoot);
        var isLive = files.HasLiveProc();
        var facts = new HostFacts
        {
            Kernel = Text(files, "/proc/sys/kernel/osrelease"),
            HasLiveProc = isLive,
            // kthreadd, the parent of all of them.
            ShowsKernelThreads =
                files.Read($"/proc/2/stat", out var stat).IsSuccess
                && ProcStat.TryParse(stat, out var second)
                && second.IsKernelThread,
            HidePid = files
                .ReadPrefix($"/proc/1/mountinfo", Bounds.MountTable, out var mounts, out _)
                .IsSuccess
                ? MountInfo.FindHidePid(mounts)
                : null,
            PtraceScope = Text(files, "/proc/sys/kernel/yama/ptrace_scope"),
            SelinuxEnforces = Text(files, "/sys/fs/selinux/enforce") switch
            {
                null => null,
                var enforce => enforce == "1",
            },
            HasAppArmor = Text(files, "/sys/module/apparmor/parameters/enabled") == "Y",
            SecurityLabel = isLive ? Text(files, "/proc/self/attr/current")?.TrimEnd('\0') : null,
            IsUnprivileged = isLive && !Environment.IsPrivilegedProcess,
            Capabilities =
                isLive
                && files.Read($"/proc/self/status", out var status).IsSuccess
                && ProcStatus.TryParseCapabilities(status, out var capabilities)
                    ? capabilities
                    : null,
            CpuManager = cpuManager with
            {
                Evidence =
                [
                    .. cpuManager.Evidence,
                    .. KubeletProcess.Evidence(files, cpuManager),
                    podResources.Evidence!,
                ],
            },
            PodResources = podResources.Known,
            // Set by every kubelet in every container.
            IsInPod =
                isLive && Environment.GetEnvironmentVariable("KUBERNETES_SERVICE_HOST") is not null,
            ExposedSecrets =
            [
                .. HostFacts.SecretFolders.Where(name =>
                {
                    var names = new List<string>();
                    return files.ListNames($"{kubeletRoot}/{name}", names).IsSuccess
                        && names.Count > 0;
                }),
            ],
        };
        return WithVms(WithTopology(facts, files), files, isLive, new(kubeletRoot, podCgroup));
    }

    private static HostFacts WithTopology(HostFacts facts, HostFiles files)
    {
        try
        {
            return facts with { Topology = SysfsTopology.Read(files) };
        }
        catch (InvalidDataException problem)
        {
            return facts with { TopologyProblem = problem.Message };
        }
    }

    private static HostFacts WithVms(
        HostFacts facts,
        HostFiles files,
        bool isLive,
        KubeletPlace kubelet
    )
    {
        var cgroups = CgroupHierarchy.TryOpen(files, out var cgroupProblem, kubelet);
        facts = facts with
        {
            Cgroups = files
                .ReadPrefix($"/proc/1/mountinfo", Bounds.MountTable, out var mounts, out _)
                .IsSuccess
                ?
                [
                    .. MountInfo
                        .ParseCgroups(mounts)
                        .Select(mount => mount.IsV1 ? "v1" : "v2")
                        .Distinct()
                        .Order(),
                ]
                : [],
            HasCpusets = cgroups is { Mount: var mount } && HasCpusets(files, mount),
            CgroupProblem = cgroupProblem,
        };
        try
        {
            IAffinityReader affinity = isLive
                ? new LiveAffinityReader()
                : new RecordedAffinityReader(files);
            using var observer = new QemuObserver(files, affinity);
            return facts with { Vms = observer.Observe(cgroups, cgroupProblem) };
        }
        catch (InvalidDataException problem)
        {
            return facts with { VmProblem = problem.Message };
        }
    }

    // v1's hierarchy was chosen because it has the controller.
    private static bool HasCpusets(HostFiles files, CgroupMount mount) =>
        mount.IsV1
        || (
            Text(files, $"{mount.MountPoint}/cgroup.controllers")?.Split(' ').Contains("cpuset")
            ?? false
        );

    private static string? Text(HostFiles files, string path) =>
        files.ReadText($"{path}", out var text).IsSuccess ? text : null;
}
