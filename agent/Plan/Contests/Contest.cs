using System.Collections.Immutable;
using PinAgent.Model.Cpu;
using PinAgent.Model.Vm;
using PinAgent.Plan.Placement;

namespace PinAgent.Plan.Contests;

/// <summary>
/// What is remembered of one VM and another program that sets its threads' masks, too: which threads were put back lately,
/// and which are left alone for a while. Times are the machine's, since its boot. A value, and a few numbers per thread.
/// </summary>
internal sealed record Contest
{
    /// <summary>How often a thread is put back within <see cref="Window"/> before the agent gives way.</summary>
    public const int Patience = 3;

    /// <summary>
    /// What happened longer ago no longer counts; and after so long a time with every thread in its place the contest is
    /// over.
    /// </summary>
    public static readonly TimeSpan Window = TimeSpan.FromMinutes(1);

    /// <summary>How long threads are left alone the first time; each further time is twice as long.</summary>
    public static readonly TimeSpan ShortestPause = TimeSpan.FromSeconds(10);

    /// <summary>The longest time.</summary>
    public static readonly TimeSpan LongestPause = TimeSpan.FromMinutes(5);

    /// <summary>No contest.</summary>
    public static readonly Contest None = new();

    /// <summary>When threads were put back, the last <see cref="Patience"/> times.</summary>
    public ImmutableDictionary<ThreadKey, ImmutableArray<TimeSpan>> PutBack { get; init; } =
        ImmutableDictionary<ThreadKey, ImmutableArray<TimeSpan>>.Empty;

    /// <summary>The threads that are left alone.</summary>
    public ImmutableHashSet<ThreadKey> LeftAlone { get; init; } = [];

    /// <summary>Until when.</summary>
    public TimeSpan Until { get; init; }

    /// <summary>How long they are left alone, or were the last time; zero if none ever were.</summary>
    public TimeSpan Pause { get; init; }

    /// <summary>Who set the masks the last time, as far as the kernel has told: <c>taskset (pid 812, cron.service)</c>.</summary>
    public string? By { get; init; }

    /// <summary>Another program's placement that is held; null if none was adopted.</summary>
    public AdoptedPlacement? Adopted { get; init; }

    /// <summary>What a manager seems to be placing now; null if none is.</summary>
    internal Placing? Placing { get; init; }

    /// <summary>The masks that threads had when they last strayed.</summary>
    internal ImmutableDictionary<ThreadKey, CpuSet> Seen { get; init; } =
        ImmutableDictionary<ThreadKey, CpuSet>.Empty;

    /// <summary>When any thread last strayed.</summary>
    internal TimeSpan SeenAt { get; init; }

    /// <summary>The threads that another program seems to move.</summary>
    internal ImmutableHashSet<ThreadKey> Moved => LeftAlone.Union(PutBack.Keys);

    /// <summary>Whether a thread was put back as often as it may be. After a pause, once is enough.</summary>
    internal bool IsLost(ThreadKey thread) =>
        PutBack.TryGetValue(thread, out var times)
        && times.Length >= (Pause == TimeSpan.Zero ? Patience : 1);

    /// <summary>With these threads put back now, by a pass that saw them astray or before it looked.</summary>
    internal Contest With(IEnumerable<ThreadKey> putBack, TimeSpan now) =>
        this with
        {
            SeenAt = now,
            PutBack = PutBack.SetItems(
                putBack.Select(thread =>
                    KeyValuePair.Create(
                        thread,
                        PutBack
                            .GetValueOrDefault(thread, [])
                            .Add(now)
                            .TakeLast(Patience)
                            .ToImmutableArray()
                    )
                )
            ),
        };

    /// <summary>Without what happened too long ago. No pass may have been made since, if nothing changed.</summary>
    internal Contest At(TimeSpan now) =>
        now - SeenAt >= Window ? None with { Adopted = Adopted }
        : PutBack.IsEmpty ? this
        : this with
        {
            PutBack = PutBack
                .Select(thread =>
                    KeyValuePair.Create(
                        thread.Key,
                        thread.Value.RemoveAll(at => now - at >= Window)
                    )
                )
                .Where(thread => !thread.Value.IsEmpty)
                .ToImmutableDictionary(),
        };

    /// <summary>With these threads astray now.</summary>
    internal Contest WithSeen(IEnumerable<PlannedThread> strays, TimeSpan now) =>
        this with
        {
            Seen = Seen.Where(thread => Moved.Contains(thread.Key))
                .ToImmutableDictionary()
                .SetItems(
                    strays.Select(stray =>
                        KeyValuePair.Create(ThreadKey.Of(stray.Thread), stray.Thread.Affinity!)
                    )
                ),
            SeenAt = now,
        };

    /// <summary>With the threads that were moved lately left alone, longer than the last time.</summary>
    internal Contest GiveWay(TimeSpan now)
    {
        var pause =
            Pause == TimeSpan.Zero ? ShortestPause
            : Pause * 2 < LongestPause ? Pause * 2
            : LongestPause;
        return this with
        {
            LeftAlone = Moved,
            PutBack = None.PutBack,
            Pause = pause,
            Until = now + pause,
        };
    }

    /// <summary>With the threads tried again, and nothing forgotten of how it went before.</summary>
    internal Contest TryAgain() => this with { LeftAlone = [] };
}

/// <summary>A placement that another program had set, and that is held since.</summary>
internal sealed record AdoptedPlacement(CpuPlacement Placement, string Message);
