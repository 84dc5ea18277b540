using PinAgent.Model.Cpu;
using PinAgent.Model.Vm;
using PinAgent.Plan.Threads;

namespace PinAgent.Apply.AtOnce;

/// <summary>A VM whose threads are still coming, and where each belongs.</summary>
/// <param name="Process">Its process, which is let go by whoever takes it off the list.</param>
internal sealed record StartingVm(VmKey Key, ThreadMasks Masks, IHeldProcess Process)
{
    /// <summary>
    /// What its threads have from QEMU's main thread, whose children they are. One that has another mask was set by somebody:
    /// by a manager, of whom the name was heard too late.
    /// </summary>
    public CpuSet? Inherited { get; set; }

    private readonly Dictionary<(ThreadRole Role, int Index), int> _threadOf = [];
    private readonly Dictionary<int, (ThreadRole Role, int Index)> _numberOf = [];
    private bool _isUnclear;

    /// <summary>
    /// The mask of a thread by what it calls itself; null if it has none, or it isn't clear who is who: two threads that claim one
    /// number, or one that claims two, are the pass's to judge, and so is the rest of that VM.
    /// </summary>
    public CpuSet? Claim(int tid, ThreadRole role, int index)
    {
        if (_isUnclear || Masks.Find(role, index) is not { } mask)
        {
            return null;
        }

        var isNew = _numberOf.TryAdd(tid, (role, index));
        if (isNew ? _threadOf.TryAdd((role, index), tid) : _numberOf[tid] == (role, index))
        {
            return mask;
        }

        _isUnclear = true;
        return null;
    }
}
