using PinAgent.Observe.Events;

namespace PinAgent.Loop;

/// <summary>How far a look goes: what is told of, or seldom changes, is looked at once in a while.</summary>
internal sealed class LookScopes
{
    /// <summary>The longest time between two looks at every process, where the loop's period isn't longer.</summary>
    public static readonly TimeSpan EverythingPeriod = TimeSpan.FromSeconds(60);

    /// <summary>The longest time between two looks at masks of which the kernel tells.</summary>
    public static readonly TimeSpan ToldMasksPeriod = TimeSpan.FromSeconds(5);

    private TimeSpan? _everything;
    private TimeSpan? _masks;

    /// <summary>
    /// How far this one goes. What nothing shows, a thread that was given another name say, is seen once in a while.
    /// </summary>
    /// <param name="asked">How far it was asked for.</param>
    /// <param name="isByTime">Whether it's made because it was time, and nobody asked for it.</param>
    /// <param name="areMasksTold">Whether the kernel tells of masks.</param>
    /// <param name="now">The time, by any clock.</param>
    public PassScope Next(PassScope asked, bool isByTime, bool areMasksTold, TimeSpan now)
    {
        var scope =
            asked != PassScope.Changes ? asked
            : !(now - _everything < EverythingPeriod) ? PassScope.Everything
            : isByTime && areMasksTold && now - _masks < ToldMasksPeriod ? PassScope.Untold
            : asked;
        _everything = scope == PassScope.Everything ? now : _everything;
        _masks = scope >= PassScope.Changes ? now : _masks;
        return scope;
    }
}
