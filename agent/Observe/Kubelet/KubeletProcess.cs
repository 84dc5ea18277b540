using PinAgent.Model.Node;
using PinAgent.Observe.Files;
using PinAgent.Observe.Proc;

namespace PinAgent.Observe.Kubelet;

/// <summary>
/// Whether a kubelet runs. One that was stopped, or refuses to start, leaves its checkpoint as it was.
/// </summary>
internal static class KubeletProcess
{
    /// <summary>What is to be said beside a checkpoint: something if it's static and no kubelet is seen.</summary>
    public static IReadOnlyList<string> Evidence(
        HostFiles files,
        CpuManagerObservation observation
    ) =>
        observation.State == CpuManagerState.Static && !IsSeen(files)
            ?
            [
                $"{files.Display("/proc")}: no kubelet among the processes; one that was stopped leaves its checkpoint as it "
                    + "was",
            ]
            : [];

    private static bool IsSeen(HostFiles files)
    {
        var pids = new List<int>();
        files.ListNumbers($"/proc", pids);
        return pids.Exists(pid =>
            files.Read($"/proc/{pid}/stat", out var content).IsSuccess
            && ProcStat.TryParse(content, out var stat)
            && IsKubelet(stat)
        );
    }

    /// <summary>Whether a process is one. MicroK8s and K3s have it inside another program, as old OpenShifts do.</summary>
    public static bool IsKubelet(ProcStat stat) =>
        stat.Name.SequenceEqual("kubelet"u8)
        || stat.Name.SequenceEqual("kubelite"u8)
        || stat.Name.SequenceEqual("hyperkube"u8)
        || stat.Name.StartsWith("k3s"u8);
}
