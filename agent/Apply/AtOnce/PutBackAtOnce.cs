using PinAgent.Model.Cpu;
using PinAgent.Model.Vm;

namespace PinAgent.Apply.AtOnce;

/// <summary>
/// Puts a thread of a pinned VM back as soon as the kernel tells that somebody has set its mask: before anything is read,
/// planned, kept or told. The pass before has said where it belongs and that it may be put back; each thread is put back once,
/// and then a pass has to say so again, so that the rules for contests hold. Called by two threads: the one that hears of
/// masks, and the loop's.
/// </summary>
internal sealed class PutBackAtOnce(IPinKernel kernel, TimeProvider time) : IDisposable
{
    /// <summary>The threads of how many VMs; each takes a file descriptor. The others' wait for the pass.</summary>
    public const int MostVms = 256;

    private readonly Lock _lock = new();
    private readonly PinsDone _done = new(time);
    private readonly Dictionary<VmKey, IHeldProcess> _processes = [];
    private Dictionary<int, HeldThread> _threads = [];
    private ulong[] _mask = [];

    /// <summary>Whether threads were put back that no pass has been told of.</summary>
    public bool HasDone
    {
        get
        {
            lock (_lock)
            {
                return !_done.IsEmpty;
            }
        }
    }

    /// <summary>Puts a thread back.</summary>
    /// <returns>False where it's where it belongs, or that is left to the pass.</returns>
    public bool TryPutBack(int tid)
    {
        lock (_lock)
        {
            if (
                !_threads.Remove(tid, out var thread)
                || !thread.Process.HasThread(tid)
                || !kernel.Get(tid, ref _mask).IsSuccess
            )
            {
                return false;
            }

            if (thread.Mask.EqualsMask(_mask))
            {
                _threads[tid] = thread;
                return false;
            }

            if (!kernel.Set(tid, thread.Mask.Mask).IsSuccess)
            {
                return false;
            }

            _done.Add(tid, thread.Pid, _mask);
            return true;
        }
    }

    /// <summary>From now on nothing is put back: a pass sets masks, and may know better.</summary>
    public void Rest()
    {
        lock (_lock)
        {
            _threads.Clear();
        }
    }

    /// <summary>Says what may be put back until the next pass rests or says otherwise.</summary>
    /// <param name="vms">Those of <see cref="HeldMasks"/>.</param>
    public void Hold(IReadOnlyDictionary<VmKey, IReadOnlyList<HeldMask>> vms)
    {
        lock (_lock)
        {
            _threads.Clear();
            foreach (var gone in _processes.Keys.Where(vm => !vms.ContainsKey(vm)).ToList())
            {
                _processes.Remove(gone, out var process);
                process!.Dispose();
            }
        }

        // Opening takes files of the loop's thread.
        foreach (var vm in vms.Keys.Where(vm => !_processes.ContainsKey(vm)))
        {
            if (_processes.Count < MostVms && kernel.Open(vm) is { } process)
            {
                _processes[vm] = process;
            }
        }

        var threads = new Dictionary<int, HeldThread>();
        foreach (var (vm, held) in vms)
        {
            if (_processes.TryGetValue(vm, out var process))
            {
                foreach (var (tid, mask) in held)
                {
                    threads[tid] = new(vm.Pid, mask, process);
                }
            }
        }

        lock (_lock)
        {
            _threads = threads;
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
            _threads.Clear();
            foreach (var process in _processes.Values)
            {
                process.Dispose();
            }

            _processes.Clear();
        }
    }

    private readonly record struct HeldThread(int Pid, CpuSet Mask, IHeldProcess Process);
}
