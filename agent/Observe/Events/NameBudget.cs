using System.Collections.Immutable;
using PinAgent.Model;
using PinAgent.NativeInterop;

namespace PinAgent.Observe.Events;

/// <summary>
/// Whose threads' names are listened to. A QEMU of 256 vCPUs names some three hundred threads in a burst, and then one now
/// and then; fifty guests may start at once. Pure.
/// </summary>
internal sealed class NameBudget
{
    /// <summary>A process's share.</summary>
    public static readonly Bucket OfProcess = new(Burst: 1024, PerSecond: 20);

    /// <summary>That of all together: processes that end and begin again have a share each.</summary>
    public static readonly Bucket OfAll = new(Burst: 16 * 1024, PerSecond: 200);

    /// <summary>How many processes' shares are remembered.</summary>
    public const int MostProcesses = 4096;

    /// <summary>How many processes aren't listened to at a time: the kernel's filter names them one by one.</summary>
    public const int MostMuted = 128;

    /// <summary>How long one isn't listened to.</summary>
    public static readonly TimeSpan MutedFor = TimeSpan.FromSeconds(30);

    /// <summary>How long nobody is listened to at once, after all together had too much to tell.</summary>
    public static readonly TimeSpan CrowdedFor = TimeSpan.FromSeconds(10);

    private readonly EventBudget<int> _budget = new(OfProcess, OfAll, MostProcesses);
    private readonly MutedSources<int> _muted = new(MostMuted, MutedFor);
    private readonly HashSet<int> _unheard = [];
    private TimeSpan _crowdedUntil = TimeSpan.MinValue;

    /// <summary>Decides about one name.</summary>
    /// <param name="now">The time, by CLOCK_MONOTONIC.</param>
    public EventVerdict Take(NamedThread thread, TimeSpan now)
    {
        if (_muted.Contains(thread.Pid))
        {
            return EventVerdict.SourceExceeds;
        }

        // By when it happened: whoever reads late finds a fair crowd's events all at once.
        var at = TimeSpan.FromMicroseconds(thread.AtNanoseconds / 1000d);
        var verdict = _budget.Take(thread.Pid, at < now ? at : now);
        if (verdict == EventVerdict.SourceExceeds && !_muted.TryMute(thread.Pid, now))
        {
            verdict = EventVerdict.AllExceed;
        }

        if (verdict == EventVerdict.AllExceed)
        {
            _crowdedUntil = now + CrowdedFor;
        }

        return verdict;
    }

    /// <summary>
    /// The processes that weren't listened to since this was last asked, and are to be looked at instead.
    /// </summary>
    public ImmutableArray<int> Deferred()
    {
        ImmutableArray<int> all = [.. _unheard.Union(_muted.All)];
        _unheard.Clear();
        return all;
    }

    /// <summary>Who isn't listened to now.</summary>
    public NameHearing Hearing(TimeSpan now)
    {
        // Before the filter lets it through again it may have named others.
        _unheard.UnionWith(_muted.Expire(now));
        return new(_muted.All, now < _crowdedUntil, _muted.Left(now));
    }
}

/// <summary>Who is listened to.</summary>
/// <param name="IsCrowded">Whether the others are heard at intervals only.</param>
/// <param name="Left">How long this holds, if nothing happens; null if for ever.</param>
internal readonly record struct NameHearing(
    ImmutableArray<int> Muted,
    bool IsCrowded,
    TimeSpan? Left
)
{
    /// <summary>What is to be said of it; null if all are heard.</summary>
    public string? Describe() =>
        IsCrowded
            ? "more threads name themselves than can be followed, so new ones are looked for once a second"
        : Muted.IsEmpty ? null
        : Muted.Length == 1
            ? $"process {Muted[0]} names its threads without end, so it's only looked at from time to time"
        : $"process {Muted[0]} and {Muted.Length - 1} more name their threads without end, so they're only looked at from "
            + "time to time";
}
