using System.Globalization;
using PinAgent.Apply;
using PinAgent.Model.Cpu;
using PinAgent.Model.Node;
using PinAgent.Report;

namespace PinAgent.Loop;

/// <summary>
/// Keeps the agent's own threads off the CPUs of vCPUs: it looks at everything on the node, and would be the worst disturber
/// of what it protects. Masks are set when the vCPUs' CPUs have changed and at no other time, so that whoever gives the agent
/// other CPUs isn't fought.
/// </summary>
/// <param name="atStart">The CPUs that the agent was given; it takes no others.</param>
/// <param name="threads">Its threads, as they are now.</param>
internal sealed class OwnThreads(
    IThreadAffinity kernel,
    CpuSet atStart,
    Func<IReadOnlyCollection<int>> threads
)
{
    // A thread that is begun meanwhile has the mask of the one that began it.
    private const int MostRounds = 3;

    private readonly CpuSet _atStart = atStart;
    private CpuSet _last = atStart;

    /// <summary>The agent's own, as it was started.</summary>
    public static OwnThreads OfThisProcess(IThreadAffinity kernel) =>
        new(
            kernel,
            kernel.GetCpus(Environment.ProcessId, out var cpus).IsSuccess ? cpus : CpuSet.Empty,
            () =>
                [
                    .. Directory
                        .EnumerateDirectories("/proc/self/task")
                        .Select(path =>
                            int.Parse(Path.GetFileName(path), CultureInfo.InvariantCulture)
                        ),
                ]
        );

    /// <summary>Makes way, after a pass. One that sets no masks has nothing to make way for.</summary>
    public void MakeWay(PassResult pass)
    {
        if (pass.Status.Mode != AgentMode.Enforce)
        {
            return;
        }

        var vcpus = pass
            .Vms.Select(vm => vm.Outcome.Plan)
            .Where(vm => vm.Limit == ModeLimit.None && !vm.IsReleased)
            .Aggregate(CpuSet.Empty, (cpus, vm) => cpus.Union(vm.VcpuCpus));
        MakeWay(vcpus, pass.Status.Topology.Online);
    }

    internal void MakeWay(CpuSet vcpus, CpuSet online)
    {
        var cpus = Choose(_atStart, vcpus, online);
        if (cpus.Equals(_last))
        {
            return;
        }

        _last = cpus;
        var done = new HashSet<int>();
        for (var round = 0; round < MostRounds; round++)
        {
            var left = threads().Where(done.Add).ToList();
            foreach (var tid in left)
            {
                // One that has ended, or whose cgroup has none of these: as it is.
                _ = kernel.SetCpus(tid, cpus);
            }

            if (left.Count == 0)
            {
                return;
            }
        }
    }

    /// <summary>The CPUs for the agent: what it was given without the vCPUs', or all of it where nothing would be left.</summary>
    internal static CpuSet Choose(CpuSet atStart, CpuSet vcpus, CpuSet online) =>
        atStart.Except(vcpus) is var left && left.Overlaps(online) ? left : atStart;
}
