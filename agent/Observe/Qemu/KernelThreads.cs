using PinAgent.Model.Vm;
using PinAgent.Observe.Files;
using PinAgent.Observe.Proc;

namespace PinAgent.Observe.Qemu;

/// <summary>
/// The kernel's own threads for a VM, outside its process: vhost workers before Linux 6.4, and the timer emulation. They
/// are collected while the processes are listed, and then given to the VMs they work for.
/// </summary>
internal sealed class KernelThreads(HostFiles files, IAffinityReader affinity)
{
    // Whoever may open /dev/kvm makes as many as he likes.
    private const int Most = 4096;

    private readonly PitOwners _pitOwners = new(files);
    private readonly List<KernelThread> _found = [];

    /// <summary>Whether there was any since the beginning of the pass.</summary>
    public bool HasAny => _found.Count > 0;

    /// <summary>Forgets what was collected: call at the beginning of a pass.</summary>
    public void BeginPass() => _found.Clear();

    /// <summary>Collects a thread of the kernel, if it's one that works for a VM.</summary>
    /// <param name="tid">The thread's id, which is its process's too.</param>
    /// <param name="scheduling">How urgently it gets a CPU.</param>
    public void Collect(int tid, ProcStat stat, ThreadScheduling? scheduling)
    {
        var name = ThreadName.Parse(stat.Name);
        if (
            name is { What: ThreadName.Kind.Vhost or ThreadName.Kind.KvmPit, Number: not null }
            && _found.Count < Most
        )
        {
            _found.Add(new(tid, stat.StartTime, ThreadName.Printable(stat.Name), name, scheduling));
        }
    }

    /// <summary>Gives the threads to their VMs.</summary>
    public IEnumerable<ObservedVm> AddTo(IReadOnlyCollection<ObservedVm> vms)
    {
        if (_found.Count == 0)
        {
            return vms;
        }

        var owners = _found.ToDictionary(
            thread => thread,
            thread => thread.Name.What == ThreadName.Kind.Vhost ? [thread.Number] : new List<int>()
        );
        _pitOwners.Find([
            .. _found
                .Where(thread => thread.Name.What == ThreadName.Kind.KvmPit)
                .Select(thread => (thread.Number, thread.StartTime, owners[thread])),
        ]);
        return vms.Select(vm =>
            vm with
            {
                Threads =
                [
                    .. vm.Threads,
                    .. _found
                        .Where(thread =>
                            thread.StartTime >= vm.Key.StartTime
                            && owners[thread].Contains(vm.Key.Pid)
                        )
                        .Select(thread => ToVmThread(thread, owners[thread].Count)),
                ],
            }
        );
    }

    private VmThread ToVmThread(KernelThread thread, int owners) =>
        new()
        {
            Tid = thread.Tid,
            StartTime = thread.StartTime,
            Comm = thread.Comm,
            Role = thread.Name.Role,
            Affinity = affinity.Read(thread.Tid, thread.Tid),
            Scheduling = thread.Scheduling,
            IsKernelProcess = true,
            IsAmbiguous = owners > 1,
        };

    // A vhost worker carries its owner's id on the host, which one process has; it's never older than that.
    private sealed record KernelThread(
        int Tid,
        ulong StartTime,
        string Comm,
        ThreadName Name,
        ThreadScheduling? Scheduling
    )
    {
        public int Number => Name.Number ?? 0;
    }
}
