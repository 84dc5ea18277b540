using PinAgent.Model;
using PinAgent.NativeInterop;
using PinAgent.NativeInterop.Bpf;

namespace PinAgent.Observe.Events.Foreign;

/// <summary>
/// Hands on what others do to the threads that the agent cares for, at once and with the author. Where the kernel doesn't
/// tell, looking at the masks finds it later.
/// </summary>
/// <param name="requests">Whom to ask for a look at everything where something was lost.</param>
/// <param name="changes">What takes it, on this listener's thread.</param>
/// <param name="needsNames">Whether nobody else tells of names; asked once, when it begins.</param>
internal sealed class ForeignWriterWatch(
    WatchOptions options,
    PassRequests requests,
    IForeignChanges changes,
    Func<bool> needsNames
) : KernelListener("foreign changes")
{
    // A manager sets each mask of a VM once or twice; who goes on is a rival, whom the rules for contests are for, or a flood.
    internal static readonly Bucket OfCgroup = new(Burst: 512, PerSecond: 4);
    internal static readonly Bucket OfAll = new(Burst: 2048, PerSecond: 64);
    private static readonly TimeSpan s_crowdPeriod = TimeSpan.FromSeconds(1);
    private const int MostCgroups = 1024;

    private readonly EventBudget<string> _budget = new(OfCgroup, OfAll, MostCgroups);
    private readonly ThreadChange _change = new();
    private ThreadChangeWatch? _watch;
    private WatchedNumbers _numbers = WatchedNumbers.None;
    private ForeignSource _source = ForeignSource.None("not started yet");
    private ThreadChangeLosses _losses;

    /// <summary>What the kernel tells, and what was lost of it.</summary>
    public ForeignSource Source => Volatile.Read(ref _source) with { Losses = _losses };

    /// <summary>Watches these threads, and no others. The loop calls it once a pass.</summary>
    public void Follow(IEnumerable<WatchedThread> threads)
    {
        if (_watch is not { } watch)
        {
            return;
        }

        // First what a number means: an event may come at once.
        var numbers = new WatchedNumbers(threads);
        Volatile.Write(ref _numbers, numbers);
        var followed = watch.Follow(numbers.All);
        requests.Complain(
            "foreign changes",
            followed.IsSuccess
                ? null
                : $"the kernel doesn't take which threads to watch: {followed.Errno.Describe()}"
        );
    }

    /// <summary>
    /// Asks for a look at everything where something was lost since the last call. The loop calls it before each look.
    /// </summary>
    public void CountLosses()
    {
        if (_watch?.Losses() is not { } losses)
        {
            return;
        }

        if (losses.Lost > _losses.Lost || losses.Missed > _losses.Missed)
        {
            requests.LookAtEverything();
        }

        _losses = losses;
    }

    /// <inheritdoc/>
    protected override bool Open()
    {
        var why = ThreadChangeWatch.TryOpen(options with { Names = needsNames() }, out _watch);
        Volatile.Write(
            ref _source,
            _watch is { } watch
                ? new(watch.Masks, watch.Names, watch.Moves, watch.Missing)
                : ForeignSource.None(why!)
        );
        return _watch is not null;
    }

    /// <inheritdoc/>
    protected override Errno HandOn()
    {
        var errno = _watch!.Next(_change).Errno;
        if (errno != Errno.None)
        {
            return errno;
        }

        if (_change.Kind == ThreadChangeKind.Name)
        {
            // These have a budget of their own, where all names come together.
            changes.Named(_change.AsNamed());
            return requests.Hearing().IsCrowded ? _watch.Pause(s_crowdPeriod).Errno : Errno.None;
        }

        var threads = Volatile.Read(ref _numbers).ThreadsOf(_change.Number, _change.IsHostNumber);
        if (threads.IsEmpty)
        {
            return Errno.None;
        }

        var cgroup = _change.ByCgroup;
        switch (_budget.Take(cgroup, TimeProvider.System.GetElapsedTime(0)))
        {
            case EventVerdict.SourceExceeds:
                return Errno.None;
            case EventVerdict.AllExceed:
                // At the raised priority of this thread, a crowd that is read without a pause would be all that runs.
                requests.LookForChanges();
                return _watch.Pause(s_crowdPeriod).Errno;
            default:
                break;
        }

        var by = ForeignAuthor.Of(_change.ByComm, _change.ByPid, cgroup, _change.IsWholePath);
        foreach (var tid in threads)
        {
            changes.Changed(new(tid, _change.Kind, _change.Value, by, _change.AtNanoseconds));
        }

        return Errno.None;
    }

    /// <inheritdoc/>
    protected override void Lost(Errno errno)
    {
        Volatile.Write(
            ref _source,
            ForeignSource.None($"the kernel's ring buffer can't be waited on: {errno.Describe()}")
        );
        requests.LookAtEverything();
    }

    /// <inheritdoc/>
    protected override void Interrupt() => _watch?.Stop();

    /// <inheritdoc/>
    protected override void Close() => _watch?.Dispose();
}
