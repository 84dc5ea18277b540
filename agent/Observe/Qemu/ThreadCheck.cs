using PinAgent.Model.Vm;
using PinAgent.Observe.Files;

namespace PinAgent.Observe.Qemu;

/// <summary>Tells whether a VM's threads are as they were, without listing or reading them. Allocates nothing.</summary>
internal sealed class ThreadCheck(HostFiles files, IAffinityReader affinity)
{
    private readonly List<int> _tids = [];

    /// <summary>Whether the threads of the VM's process are those that are known, on the same CPUs.</summary>
    /// <remarks>
    /// Where all that are known are there still, their number tells whether there are others. It's had without listing them,
    /// which takes the kernel ten times as long. Of a VM with more threads than are kept, only those count that run vCPUs
    /// and I/O: otherwise it would be read again at each look, for as long as its threads come and go.
    /// </remarks>
    /// <param name="masksToo">
    /// Whether to read their masks; else it's their number alone that tells, and one that came as another went isn't seen.
    /// </param>
    public bool IsSame(ObservedVm vm, bool masksToo)
    {
        var pid = vm.Key.Pid;
        var count = 0;
        foreach (var thread in vm.Threads)
        {
            if (thread.IsKernelProcess)
            {
                continue;
            }

            count++;
            if (
                masksToo
                && (vm.ThreadsLeftOut == 0 || thread.Role != ThreadRole.Helper)
                && !IsStill(pid, thread)
            )
            {
                return false;
            }
        }

        return vm.ThreadsLeftOut > 0
            || files.CountFolders($"/proc/{pid}/task") == count
            || (
                files.ListNumbers($"/proc/{pid}/task", _tids, count + 1).IsSuccess
                && _tids.Count == count
            );
    }

    /// <summary>Whether the kernel's own threads for the VM are there still.</summary>
    public bool HasSameKernelThreads(ObservedVm vm)
    {
        foreach (var thread in vm.Threads)
        {
            if (thread.IsKernelProcess && !IsStill(thread.Tid, thread))
            {
                return false;
            }
        }

        return true;
    }

    // Only what is real time may be meant to be so.
    private bool IsStill(int pid, VmThread thread) =>
        affinity.IsStill(pid, thread.Tid, thread.Affinity)
        && (
            thread.Scheduling is not { } scheduling
            || !scheduling.IsAtLeastFifo(1)
            || affinity.IsStill(pid, thread.Tid, scheduling)
        );
}
