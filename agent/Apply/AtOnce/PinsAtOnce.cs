using PinAgent.Model.Vm;
using PinAgent.NativeInterop;
using PinAgent.Observe.Qemu;
using PinAgent.Plan;

namespace PinAgent.Apply.AtOnce;

/// <summary>
/// Puts threads of VMs that are starting where they belong, as soon as the kernel tells their names: before anything is listed,
/// read, planned, kept or told. The pass that planned the VM has said where; the next one finds the threads in their place, and
/// is told what they had before. Called by two threads: the one that hears names, and the loop's.
/// </summary>
/// <remarks>
/// Four system calls a thread: whether it's one of the process that was planned (ids are given again), its mask, to say later what
/// it had, sched_setaffinity(2), and the read(2) of its name before all. The kernel keeps it within its cgroup's CPUs.
/// </remarks>
internal sealed class PinsAtOnce(IPinKernel kernel, TimeProvider time) : IDisposable
{
    /// <summary>How many VMs may be starting at a time; each takes a file descriptor. The others wait for the pass.</summary>
    public const int MostVms = 256;

    private readonly Lock _lock = new();
    private readonly Dictionary<int, StartingVm> _vms = [];
    private readonly PinsDone _done = new(time);
    private ulong[] _mask = [];

    /// <summary>Pins a thread by the name it has got.</summary>
    /// <returns>False where that is left to the pass.</returns>
    public bool TryPin(in NamedThread named)
    {
        lock (_lock)
        {
            if (!_vms.TryGetValue(named.Pid, out var vm) || named.Tid == named.Pid)
            {
                return false;
            }

            var name = ThreadName.Parse(named.Comm.Bytes);
            return name is { Role: ThreadRole.Vcpu or ThreadRole.IoThread, Number: { } index }
                && TryPin(vm, named.Tid, name.Role, index);
        }
    }

    /// <summary>Says which VMs are starting now, and pins those of their threads that have come already.</summary>
    /// <param name="plans">The VMs whose masks may be written.</param>
    public void Follow(IEnumerable<VmPlan> plans)
    {
        var starting = plans
            .Where(plan => plan.Starting is not null)
            .OrderBy(plan => plan.Placement is not null)
            .Take(MostVms)
            .ToDictionary(plan => plan.Vm.Key.Pid);
        lock (_lock)
        {
            if (_vms.Count == 0 && starting.Count == 0)
            {
                return;
            }

            foreach (var old in _vms.Values.ToList())
            {
                if (
                    !starting.TryGetValue(old.Key.Pid, out var plan)
                    || plan.Vm.Key != old.Key
                    || !old.Masks.IsSameAs(plan.Starting!)
                )
                {
                    _vms.Remove(old.Key.Pid);
                    old.Process.Dispose();
                }
            }
        }

        foreach (var plan in starting.Values)
        {
            Follow(plan);
        }
    }

    /// <summary>What was done since this was last asked.</summary>
    public IReadOnlyList<PinnedAtOnce> Take()
    {
        lock (_lock)
        {
            return _done.Take();
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        lock (_lock)
        {
            foreach (var vm in _vms.Values)
            {
                vm.Process.Dispose();
            }

            _vms.Clear();
        }
    }

    private void Follow(VmPlan plan)
    {
        var key = plan.Vm.Key;
        lock (_lock)
        {
            if (!_vms.TryGetValue(key.Pid, out var vm))
            {
                if (kernel.Open(key) is not { } process)
                {
                    return;
                }

                _vms[key.Pid] = vm = new StartingVm(key, plan.Starting!, process);
            }

            vm.Inherited = plan.Vm.Emulator?.Affinity;
            foreach (var thread in plan.Vm.Threads)
            {
                if (
                    thread is
                    {
                        Role: ThreadRole.Vcpu or ThreadRole.IoThread,
                        Index: { } index,
                        IsKernelProcess: false
                    }
                )
                {
                    _ = TryPin(vm, thread.Tid, thread.Role, index);
                }
            }
        }
    }

    private bool TryPin(StartingVm vm, int tid, ThreadRole role, int index)
    {
        if (
            vm.Claim(tid, role, index) is not { } wanted
            || !vm.Process.HasThread(tid)
            || !kernel.Get(tid, ref _mask).IsSuccess
        )
        {
            return false;
        }

        if (wanted.EqualsMask(_mask))
        {
            return true;
        }

        if (vm.Inherited?.EqualsMask(_mask) is not true || !kernel.Set(tid, wanted.Mask).IsSuccess)
        {
            return false;
        }

        _done.Add(tid, vm.Key.Pid, _mask);
        return true;
    }
}
