using System.Collections.Immutable;
using PinAgent.Model.Cpu;
using PinAgent.Model.Vm;

namespace PinAgent.Plan.Dedication;

/// <summary>What an administrator should know of a dedicated VM's CPUs though it doesn't prevent pinning.</summary>
internal static class CpuAdvisories
{
    /// <summary>What follows from whose word the CPUs are.</summary>
    public static string? OfSource(VmCpus cpus, bool isTold) =>
        cpus.Source switch
        {
            CpuSource.Chosen =>
                $"CPUs {cpus.Cpus} were chosen by PinAgent, for no other VM has them; no cgroup keeps other programs off: give "
                    + "the VM a cpuset for that, or name CPUs with --vm NAME=CPUS to have others",
            CpuSource.Inherited when !isTold =>
                $"CPUs {cpus.Cpus} are every CPU there is: whatever else runs here shares them",
            _ => null,
        };

    /// <summary>The sentences.</summary>
    public static ImmutableArray<string> Of(ObservedVm vm, CpuSet cpuset, NodeTopology topology)
    {
        var advisories = ImmutableArray.CreateBuilder<string>();
        var threads = vm.Guest.Full.Threads;
        if (threads > topology.ThreadsPerCore)
        {
            advisories.Add(
                $"the guest sees {threads} threads per core, the node has {topology.ThreadsPerCore}: guest siblings are "
                    + "on different cores"
            );
        }

        if (cpuset.Overlaps(topology.Isolated))
        {
            advisories.Add(
                $"CPUs {cpuset.Intersect(topology.Isolated)} are isolated (isolcpus): the kernel doesn't balance there"
            );
        }

        // A copy of the VM's own says nothing yet, or nothing any more.
        if (vm.Housekeeping is { Count: > 2 } stale && !stale.Equals(cpuset))
        {
            advisories.Add(
                $"the VM's housekeeping cgroup has CPUs {stale}: expected the emulator's one or two, so it's passed over"
            );
        }

        return advisories.ToImmutable();
    }
}
