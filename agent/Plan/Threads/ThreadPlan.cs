using System.Collections.Immutable;
using PinAgent.Model.Cpu;
using PinAgent.Model.Vm;
using PinAgent.Plan.Placement;

namespace PinAgent.Plan.Threads;

/// <summary>From a VM's placement to the CPUs of each of its threads.</summary>
internal static class ThreadPlan
{
    /// <summary>What is wanted of each thread and why, in the VM's order.</summary>
    public static ImmutableArray<PlannedThread> Of(
        VmShape shape,
        CpuPlacement placement,
        NodeTopology topology
    )
    {
        var rules = new ThreadRules(shape, placement, topology);
        var vcpus = shape.Vcpus.Select((thread, i) => (thread.Tid, CpuSet.Of(placement.Vcpus[i])));
        var ioThreads = shape.IoThreads.Select(
            (thread, i) =>
                (
                    thread.Tid,
                    shape.IoThreadsAreSupplemental
                        ? CpuSet.Of(placement.SupplementalIoThreads[i])
                        : placement.IoThreads[i]
                )
        );
        var own = vcpus.Concat(ioThreads).ToDictionary();

        var vcpuCpus = CpuSet.Of(placement.Vcpus);

        // KubeVirt gives the kernel's timer thread vCPU 0's mask; everything else belongs to the emulator.
        var first = CpuSet.Of(placement.Vcpus[0]);
        return
        [
            .. shape.Vm.Threads.Select(thread =>
                Confine(
                    thread,
                    own.GetValueOrDefault(thread.Tid)
                        ?? (thread.Role == ThreadRole.KvmPit ? first : placement.Emulator),
                    rules.Of(thread),
                    isWholeCpuset: !placement.EmulatorIsolated,
                    besideVcpus: shape.Cpus is { IsByThread: true } ? vcpuCpus : null
                )
            ),
        ];
    }

    // A thread's own cgroup can be narrower than the VM's. One that may go anywhere goes anywhere in it, and where a manager has
    // given each thread its own, as libvirt does, so do those that run no vCPU, beside the vCPUs if possible.
    private static PlannedThread Confine(
        VmThread thread,
        CpuSet wanted,
        string rule,
        bool isWholeCpuset,
        CpuSet? besideVcpus
    )
    {
        if (thread.OwnCpuset is not { } own || wanted.IsSubsetOf(own))
        {
            return new PlannedThread(thread, wanted, rule);
        }

        var possible = wanted.Intersect(own);
        if (besideVcpus is not null && thread.Role != ThreadRole.Vcpu)
        {
            possible =
                !possible.IsEmpty ? possible
                : own.Except(besideVcpus) is { IsEmpty: false } beside ? beside
                : own;
            return Within(possible);
        }

        return isWholeCpuset && wanted.Count > 1 && !possible.IsEmpty
            ? Within(possible)
            : new PlannedThread(
                thread,
                wanted,
                $"{rule}; its own cgroup has only CPUs {own}",
                IsConfined: true
            );

        PlannedThread Within(CpuSet cpus) =>
            new(thread, cpus, $"{rule}, within its own cgroup's CPUs {own}");
    }
}
