using PinAgent.Model.Vm;
using PinAgent.NativeInterop;

namespace PinAgent.Report.Metrics;

/// <summary>
/// Measures from a vCPU's or I/O thread's name to its mask. Where a VM is planned when the last of its vCPU threads has its name, the
/// earlier ones wait for it.
/// </summary>
internal sealed class PinTimes
{
    private readonly Dictionary<int, TimeSpan> _named = [];

    /// <summary>How long the threads that a pass has pinned had had their names.</summary>
    /// <param name="named">The threads that named themselves since the pass before.</param>
    /// <param name="now">When that was done, by CLOCK_MONOTONIC.</param>
    /// <param name="atOnce">When it was done of those that were pinned before the pass, by their ids.</param>
    public IReadOnlyList<TimeSpan> After(
        IReadOnlyList<NamedThread> named,
        IEnumerable<VmPassResult> vms,
        TimeSpan now,
        IReadOnlyDictionary<int, TimeSpan>? atOnce = null
    )
    {
        foreach (
            var thread in named.Where(thread => thread is { IsProgram: false, AtNanoseconds: > 0 })
        )
        {
            _named[thread.Tid] = TimeSpan.FromMicroseconds(thread.AtNanoseconds / 1000d);
        }

        if (_named.Count == 0)
        {
            return [];
        }

        var times = new List<TimeSpan>();
        var waiting = new HashSet<int>();
        foreach (var thread in vms.SelectMany(vm => vm.Outcome.Threads))
        {
            var tid = thread.Planned.Thread.Tid;
            var doneAt = atOnce?.TryGetValue(tid, out var before) == true ? before : now;
            // The monitor's thread is called "IO mon_iothread"; it may be anywhere until the guest runs.
            var counts = thread.Planned.Thread.Role is ThreadRole.Vcpu or ThreadRole.IoThread;
            if (counts && thread.IsChange && _named.TryGetValue(tid, out var at) && doneAt > at)
            {
                times.Add(doneAt - at);
            }
            else if (thread.Outcome is null)
            {
                waiting.Add(tid);
            }
        }

        foreach (var tid in _named.Keys.Where(tid => !waiting.Contains(tid)).ToList())
        {
            _named.Remove(tid);
        }

        return times;
    }
}
