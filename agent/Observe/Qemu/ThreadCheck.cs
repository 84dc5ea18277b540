using PinAgent.Model.Vm;
using PinAgent.NativeInterop.Files;
using PinAgent.Observe.Files;

namespace PinAgent.Observe.Qemu;

/// <summary>Tells whether a VM's threads are as they were, without listing or reading them. Allocates nothing.</summary>
internal sealed class ThreadCheck(HostFiles files, IAffinityReader affinity) : IDisposable
{
    private readonly List<int> _tids = [];

    // Of the VMs' processes, with the number of which is kept to be asked again.
    private readonly Dictionary<VmKey, KeptFolder> _kept = [];

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
            || HasThreads(vm.Key, count)
            || (
                files.ListNumbers($"/proc/{pid}/task", _tids, count + 1).IsSuccess
                && _tids.Count == count
            );
    }

    /// <summary>Closes what is held of VMs that are no longer there.</summary>
    public void Forget(IReadOnlySet<VmKey> alive)
    {
        foreach (var vm in _kept.Keys.Where(vm => !alive.Contains(vm)).ToList())
        {
            Close(vm);
        }
    }

    /// <inheritdoc/>
    public void Dispose() => Forget(new HashSet<VmKey>());

    private bool HasThreads(VmKey vm, int count)
    {
        if (_kept.TryGetValue(vm, out var folder))
        {
            if (folder.CountFolders(out var now).IsSuccess && now == count)
            {
                return true;
            }

            // It may have ended.
            Close(vm);
        }
        else if (
            _kept.Count < Bounds.KeptFiles
            && files.KeepFolder($"/proc/{vm.Pid}/task", out folder).IsSuccess
        )
        {
            _kept[vm] = folder!;
        }

        return files.CountFolders($"/proc/{vm.Pid}/task") == count;
    }

    private void Close(VmKey vm)
    {
        if (_kept.Remove(vm, out var folder))
        {
            folder.Dispose();
        }
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
