using System.Collections.Immutable;
using PinAgent.Model.Vm;
using PinAgent.Observe.Files;

namespace PinAgent.Observe.Qemu;

/// <summary>
/// Finds the processes that have changed since they were read. How much one look does is bounded: who starts processes, or has
/// VMs that can't be understood, waits for their own turn.
/// </summary>
/// <param name="threads">Tells whether a VM's threads are as they were.</param>
/// <param name="budget">Bounds what VMs that can't be understood cost.</param>
internal sealed class QemuChanges(
    ProcessList processes,
    QemuProcess process,
    ThreadCheck threads,
    KernelThreads kernelThreads,
    ThreadBudget budget
)
{
    private readonly List<int> _troubled = [];
    private int _turn;

    /// <summary>Finds them.</summary>
    /// <param name="vms">All VMs as they were.</param>
    /// <param name="masksToo">Whether to read masks and priorities.</param>
    /// <returns>False where a thread of the kernel's own that works for a VM came or went.</returns>
    /// <exception cref="InvalidDataException">The processes can't be listed.</exception>
    public bool TryFind(ImmutableArray<ObservedVm> vms, HashSet<int> changed, bool masksToo) =>
        TryFindVms(vms, changed, masksToo) && TryFindNew(vms, changed);

    /// <summary>Forgets the VMs that are no longer there.</summary>
    public void Forget(IReadOnlySet<VmKey> alive)
    {
        process.Forget(alive);
        threads.Forget(alive);
        budget.Keep(alive.Select(vm => vm.Pid).ToHashSet());
    }

    /// <summary>Where the VM of this process is among VMs in ascending order of their ids; below zero if it's none.</summary>
    public static int IndexOf(ImmutableArray<ObservedVm> vms, int pid)
    {
        var (low, high) = (0, vms.Length - 1);
        while (low <= high)
        {
            var middle = (low + high) / 2;
            var found = vms[middle].Key.Pid;
            if (found == pid)
            {
                return middle;
            }

            (low, high) = found < pid ? (middle + 1, high) : (low, middle - 1);
        }

        return -1;
    }

    /// <summary>The VM of this process among VMs in ascending order of their ids; null if it's none.</summary>
    public static ObservedVm? Find(ImmutableArray<ObservedVm> vms, int pid) =>
        IndexOf(vms, pid) is >= 0 and var index ? vms[index] : null;

    private bool TryFindVms(ImmutableArray<ObservedVm> vms, HashSet<int> changed, bool masksToo)
    {
        AddTroubled(vms, changed);
        foreach (var vm in vms)
        {
            if (vm.Problem is not null)
            {
                continue;
            }

            if (!threads.IsSame(vm, masksToo))
            {
                // One that isn't read yet is seen to have changed the next time, too.
                if (budget.IsTurnOf(vm.Key.Pid))
                {
                    changed.Add(vm.Key.Pid);
                }
            }
            else if (!threads.HasSameKernelThreads(vm))
            {
                return false;
            }
        }

        return true;
    }

    // A VM that lacks something is read whole each time, however many threads it has: in turn, and so many threads of all of
    // them in a second.
    private void AddTroubled(ImmutableArray<ObservedVm> vms, HashSet<int> changed)
    {
        _troubled.Clear();
        for (var i = 0; i < vms.Length; i++)
        {
            if (vms[i].Problem is not null)
            {
                _troubled.Add(i);
            }
        }

        if (_troubled.Count == 0)
        {
            return;
        }

        budget.Refill();
        var first = _turn % _troubled.Count;
        var most = Math.Min(_troubled.Count, Bounds.TroubledAtOnce);
        var taken = 0;
        for (; taken < most && budget.IsLeft; taken++)
        {
            var vm = vms[_troubled[(first + taken) % _troubled.Count]];
            changed.Add(vm.Key.Pid);
            budget.Take(vm.Threads.Length + vm.ThreadsLeftOut);
        }

        _turn = first + taken;
    }

    private bool TryFindNew(ImmutableArray<ObservedVm> vms, HashSet<int> changed)
    {
        processes.Read();
        var turns = Math.Min(processes.Waiting, Bounds.YoungAtOnce);
        if (turns == 0)
        {
            return true;
        }

        var uptime = processes.ReadUptime();
        kernelThreads.BeginPass();
        for (; turns > 0; turns--)
        {
            var pid = processes.Next();
            if (IndexOf(vms, pid) >= 0)
            {
                continue;
            }

            var isLate = false;
            if (process.IsCandidate(pid, out var startTime, out var reading))
            {
                isLate = !budget.Admits(pid, null);
                if (!isLate)
                {
                    changed.Add(pid);
                }
            }

            if (
                isLate
                || reading.IsWorthAnotherLook
                || (startTime > 0 && ProcessList.IsStarting(startTime, uptime))
            )
            {
                processes.LookAgain(pid);
            }
        }

        return !kernelThreads.HasAny;
    }
}
