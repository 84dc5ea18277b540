using System.Runtime.InteropServices;

namespace PinAgent.NativeInterop.Bpf;

/// <summary>
/// Tells who gives watched threads another mask, policy, priority or cgroup, and who names a thread like a VM's: programs in
/// the kernel see it, leave out whom nobody watches and who does it without end, and put the rest into a ring buffer.
/// </summary>
/// <remarks>Needs CAP_BPF and CAP_PERFMON, and for all but the masks the kernel's tracefs.</remarks>
public sealed class ThreadChangeWatch : IDisposable
{
    private const int BatchLength = 1024;

    private readonly BpfLoader _loader;
    private readonly RingBuffer _ring;
    private readonly EventDescriptor _events;
    private readonly MissedReturns _missed = new();
    private HashSet<int> _followed = [];
    private volatile bool _isStopped;

    private ThreadChangeWatch(BpfLoader loader, RingBuffer ring, EventDescriptor events) =>
        (_loader, _ring, _events) = (loader, ring, events);

    /// <summary>How masks, policies and priorities are seen.</summary>
    public MaskHook Masks { get; private init; }

    /// <summary>Whether names are.</summary>
    public bool Names { get; private init; }

    /// <summary>Whether moves between cgroups are.</summary>
    public bool Moves { get; private init; }

    /// <summary>Whether an event carries its author's cgroup.</summary>
    public bool KnowsCgroups { get; private init; }

    /// <summary>What of what was asked for can't be seen, and why; null if all can.</summary>
    public string? Missing { get; private init; }

    /// <summary>How many threads can be watched at most.</summary>
    public static int MostFollowed { get; } = (int)BpfLoader.ReadObject().Maps["watched"].Entries;

    /// <summary>Begins to listen, to nobody's masks yet.</summary>
    /// <param name="watch">What listens; null if nothing of it can be had.</param>
    /// <returns>Why not; null if it does, be it in part.</returns>
    public static string? TryOpen(WatchOptions options, out ThreadChangeWatch? watch)
    {
        watch = null;
        var code = BpfLoader.ReadObject();
        var loader = new BpfLoader(code);
        var layout = WatchLayout.Read("/sys/kernel/btf/vmlinux");
        layout.OwnTgid = (uint)options.OwnPid;
        var why = loader.TryMakeMaps() ?? Tell(loader, layout);
        RingBuffer? ring = null;
        EventDescriptor? events = null;
        if (why is null)
        {
            var map = loader.Map("events");
            var mapped = RingBuffer.TryMap(map, code.Maps["events"].Entries, out ring);
            // The descriptor closes its own copy.
            mapped = mapped.IsSuccess ? EventDescriptor.TryCopy(map, out events) : mapped;
            why = mapped.IsSuccess
                ? null
                : $"the ring buffer can't be had: {mapped.Errno.Describe()}";
        }

        if (why is not null)
        {
            ring?.Dispose();
            loader.Dispose();
            return why;
        }

        var reasons = new List<string>();
        var opened = new ThreadChangeWatch(loader, ring!, events!)
        {
            Masks = AttachMasks(loader, options, reasons),
            Names = options.Names && Attach(loader, WatchHooks.OfNames, options, reasons),
            Moves = options.Moves && Attach(loader, WatchHooks.OfMoves, options, reasons),
            KnowsCgroups = layout.IsKnown != 0,
            Missing = reasons.Count == 0 ? null : string.Join("; ", reasons.Distinct()),
        };
        if (opened.Masks == MaskHook.None && !opened.Names && !opened.Moves)
        {
            opened.Dispose();
            return opened.Missing ?? "nothing is asked for";
        }

        watch = opened;
        return null;
    }

    /// <summary>Waits for the next change.</summary>
    /// <param name="longest">How long to wait; null for ever.</param>
    /// <returns>
    /// <see cref="Errno.ECANCELED"/> after <see cref="Stop"/>, <see cref="Errno.ETIMEDOUT"/> when there's none for so long.
    /// </returns>
    public LinuxResult Next(ThreadChange change, TimeSpan? longest = null)
    {
        while (true)
        {
            // In a crowd, nobody waits.
            if (_isStopped)
            {
                return new(Errno.ECANCELED);
            }

            int length;
            while ((length = _ring.Take(change.Buffer)) > 0)
            {
                if (change.Accept(length))
                {
                    return LinuxResult.Success;
                }
            }

            var result = _events.Wait(longest);
            if (!result.IsSuccess)
            {
                return result;
            }
        }
    }

    /// <summary>Hears nothing for a while; the kernel keeps what it can.</summary>
    /// <returns><see cref="Errno.ECANCELED"/> after <see cref="Stop"/>.</returns>
    public LinuxResult Pause(TimeSpan length) => _events.Pause(length);

    /// <summary>Ends the wait in <see cref="Next"/>, from another thread.</summary>
    public void Stop()
    {
        _isStopped = true;
        _events.Stop();
    }

    /// <summary>
    /// Watches the threads and processes with these numbers, and no others: all by which anybody may call them. Those beyond
    /// <see cref="MostFollowed"/> aren't watched. One thread at a time calls it.
    /// </summary>
    public LinuxResult Follow(IEnumerable<int> numbers)
    {
        var wanted = numbers.Take(MostFollowed).ToHashSet();
        var map = _loader.Map("watched");
        // First those that are no more, so that there's room.
        var result = ForEachBatch(
            _followed.Where(number => !wanted.Contains(number)),
            (keys, _, ref count) => DeleteMany(map, keys, ref count)
        );
        result = result.IsSuccess
            ? ForEachBatch(
                wanted.Where(number => !_followed.Contains(number)),
                (keys, values, ref count) => UpdateMany(map, keys, values, ref count)
            )
            : result;
        // After a failure nobody knows which of them are there: next time, all are said anew.
        _followed = result.IsSuccess ? wanted : [];
        return result;
    }

    /// <summary>What wasn't told, since the begin. One thread at a time calls it.</summary>
    public unsafe ThreadChangeLosses Losses()
    {
        Counters counters = default;
        var zero = 0u;
        _ = BpfCalls.Lookup(_loader.Map("counters"), &zero, &counters);
        return new(
            counters.Lost,
            _missed.Update(counters.Begun, counters.Ended),
            counters.MaskExcess,
            counters.NameExcess
        );
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _ring.Dispose();
        _events.Dispose();
        _loader.Dispose();
    }

    private delegate LinuxResult BatchCall(uint[] keys, uint[] values, ref uint count);

    private static unsafe LinuxResult DeleteMany(int map, uint[] keys, ref uint count)
    {
        fixed (uint* first = keys)
        {
            return BpfCalls.DeleteMany(map, first, ref count);
        }
    }

    private static unsafe LinuxResult UpdateMany(
        int map,
        uint[] keys,
        uint[] values,
        ref uint count
    )
    {
        fixed (uint* first = keys)
        fixed (uint* firstValue = values)
        {
            return BpfCalls.UpdateMany(map, first, firstValue, ref count);
        }
    }

    private static LinuxResult ForEachBatch(IEnumerable<int> numbers, BatchCall call)
    {
        var result = LinuxResult.Success;
        foreach (var batch in numbers.Chunk(BatchLength))
        {
            var keys = Array.ConvertAll(batch, number => (uint)number);
            var values = new uint[keys.Length];
            Array.Fill(values, 1u);
            var count = (uint)keys.Length;
            result = call(keys, values, ref count);
            if (!result.IsSuccess)
            {
                break;
            }
        }

        return result;
    }

    private static unsafe string? Tell(BpfLoader loader, WatchLayout layout)
    {
        var zero = 0u;
        var told = BpfCalls.Update(loader.Map("settings"), &zero, &layout);
        return told.IsSuccess ? null : BpfRefusal.OfMap(told.Errno);
    }

    private static MaskHook AttachMasks(
        BpfLoader loader,
        WatchOptions options,
        List<string> reasons
    )
    {
        var hooks = WatchHooks.OfMasks(options.Masks, RuntimeInformation.ProcessArchitecture);
        return hooks.Length > 0 && hooks.All(hook => Attach(loader, hook, options, reasons))
            ? options.Masks
            : MaskHook.None;
    }

    private static bool Attach(
        BpfLoader loader,
        WatchHook hook,
        WatchOptions options,
        List<string> reasons
    )
    {
        var why = loader.TryAttach(hook, options.TraceFolders);
        if (why is not null && hook.IsNeeded)
        {
            reasons.Add(why);
        }

        return why is null || !hook.IsNeeded;
    }

    // struct counters in watch.bpf.c
    [StructLayout(LayoutKind.Sequential)]
    private struct Counters
    {
        public ulong Lost;
        public ulong MaskExcess;
        public ulong NameExcess;
        public ulong Begun;
        public ulong Ended;
    }
}
