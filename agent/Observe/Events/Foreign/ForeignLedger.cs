using PinAgent.Model.Vm;
using PinAgent.NativeInterop;
using PinAgent.NativeInterop.Bpf;
using PinAgent.Observe.Files;
using PinAgent.Observe.Proc;

namespace PinAgent.Observe.Events.Foreign;

/// <summary>
/// Keeps who has changed a thread until the pass that finds it changed, and asks for that pass. In a VM's first seconds it only
/// keeps: its manager may still be setting masks, one after the other, and what comes of that is looked at as it always was.
/// </summary>
/// <param name="files">The machine's files, for the loop's thread.</param>
/// <param name="pin">Pins a thread that has just got its name; false where that is left to the pass.</param>
/// <param name="putBack">Puts a thread back at once, where it may; false where that is left to the pass.</param>
internal sealed class ForeignLedger(
    PassRequests requests,
    HostFiles files,
    TimeProvider time,
    Func<int, bool>? putBack = null,
    PinAtOnce? pin = null
) : IForeignChanges
{
    /// <summary>How many threads are watched: the kernel's table has so many numbers.</summary>
    public const int MostThreads = 16 * 1024;

    /// <summary>Of how many threads the author is kept.</summary>
    public const int MostKept = 4096;

    private readonly Lock _lock = new();
    private readonly Dictionary<int, (ForeignChange Change, TimeSpan? Back)> _changes = [];
    private Dictionary<ThreadKey, int[]> _numbers = [];
    private Dictionary<int, Watched> _watched = [];

    /// <inheritdoc/>
    public void Changed(ForeignChange change)
    {
        lock (_lock)
        {
            if (!_watched.TryGetValue(change.Tid, out var thread))
            {
                return;
            }

            var begins = Now() - thread.Since < VmBeginning.Lasts;
            var isBack = !begins && putBack?.Invoke(change.Tid) == true;
            var back = isBack ? Now() : (TimeSpan?)null;

            // Off its place since the first of them, and where the last one has put it.
            if (_changes.TryGetValue(change.Tid, out var first))
            {
                _changes[change.Tid] = (
                    change with
                    {
                        AtNanoseconds = first.Change.AtNanoseconds,
                    },
                    back
                );
            }
            else if (_changes.Count < MostKept)
            {
                _changes[change.Tid] = (change, back);
            }

            if (!begins)
            {
                requests.LookAt(new NamedThread(change.Tid, thread.Pid, 0), isDone: isBack);
            }
        }
    }

    /// <inheritdoc/>
    public void Named(NamedThread thread) =>
        requests.LookAt(thread, isDone: pin?.Invoke(thread) == true);

    /// <summary>Who has changed threads since this was last asked, by thread.</summary>
    public IReadOnlyDictionary<int, ForeignDeed> Take()
    {
        lock (_lock)
        {
            var now = Now();
            var deeds = _changes.Values.ToDictionary(
                kept => kept.Change.Tid,
                kept => new ForeignDeed(
                    kept.Change.By,
                    kept.Change.Kind == ThreadChangeKind.Affinity ? kept.Change.Value : null,
                    (kept.Back ?? now)
                        - TimeSpan.FromMicroseconds(kept.Change.AtNanoseconds / 1000d)
                )
            );
            _changes.Clear();
            return deeds;
        }
    }

    /// <summary>Says whose changes are wanted.</summary>
    /// <param name="vms">The VMs that are held in their places.</param>
    /// <returns>Their threads, with all numbers that they have.</returns>
    public IReadOnlyList<WatchedThread> Follow(IEnumerable<ObservedVm> vms)
    {
        var threads = vms.SelectMany(vm => vm.Threads.Select(thread => (vm.Key.Pid, thread)))
            .Take(MostThreads)
            .ToList();
        var numbers = new Dictionary<ThreadKey, int[]>(threads.Count);
        foreach (var (pid, thread) in threads)
        {
            var key = ThreadKey.Of(thread);
            numbers[key] = _numbers.GetValueOrDefault(key) ?? NumbersOf(pid, thread);
        }

        _numbers = numbers;
        lock (_lock)
        {
            var before = _watched;
            var now = Now();
            var begun = before
                .Values.DistinctBy(thread => thread.Pid)
                .ToDictionary(thread => thread.Pid, thread => thread.Since);
            _watched = threads
                .DistinctBy(thread => thread.thread.Tid)
                .ToDictionary(
                    thread => thread.thread.Tid,
                    thread => new Watched(
                        thread.Pid,
                        begun.TryGetValue(thread.Pid, out var since) ? since : now
                    )
                );
        }

        return
        [
            .. threads.Select(thread => new WatchedThread(
                thread.thread.Tid,
                numbers[ThreadKey.Of(thread.thread)]
            )),
        ];
    }

    // The kernel's own threads, and one that has just ended, have none but their own.
    private int[] NumbersOf(int pid, VmThread thread) =>
        !thread.IsKernelProcess
        && files.Read($"/proc/{pid}/task/{thread.Tid}/status", out var content).IsSuccess
        && ProcStatus.TryParseNamespacePids(content, out var numbers)
            ? numbers
            : [thread.Tid];

    private TimeSpan Now() => time.GetElapsedTime(0);

    private readonly record struct Watched(int Pid, TimeSpan Since);
}

/// <summary>What somebody has done to a thread.</summary>
/// <param name="Mask">The first 64 CPUs that were asked for; null where it wasn't a mask.</param>
/// <param name="Off">How long it was so, until it was put back or until now.</param>
internal sealed record ForeignDeed(ForeignAuthor By, ulong? Mask, TimeSpan Off)
{
    /// <summary>
    /// Whether it explains what a thread was found like. Another thread may have been meant that has the same number elsewhere.
    /// </summary>
    public bool Explains(VmThread found) =>
        Mask is not { } mask
        || found.Affinity is not { } actual
        || ((actual.Mask.IsEmpty ? 0 : actual.Mask[0]) & ~mask) == 0;
}
