using PinAgent.Model.Vm;

namespace PinAgent.Loop;

/// <summary>
/// How often the loop looks for what nobody tells of. A manager may set a new VM's masks once more before it lets it run, as
/// libvirt does, so right after a VM has begun it's ten times as often.
/// </summary>
/// <param name="period">The longest time between two looks.</param>
internal sealed class LookPace(TimeSpan period)
{
    private const int TimesAsOften = 10;

    // Beyond that many, one that was known counts as new again.
    private const int MostKnown = 1024;

    private readonly HashSet<VmKey> _known = [];
    private TimeSpan? _begun;

    /// <summary>
    /// A VM was met that hadn't been there. A process that seems to come and go, as it names its threads this way and that,
    /// begins once.
    /// </summary>
    /// <param name="now">The time, by any clock.</param>
    public void Begin(VmKey vm, TimeSpan now)
    {
        if (_known.Count >= MostKnown)
        {
            _known.Clear();
        }

        _begun = _known.Add(vm) ? now : _begun;
    }

    /// <summary>How long to wait for the next look; what's zero or less is over.</summary>
    /// <param name="looked">When the last one was, by the same clock.</param>
    /// <param name="now">The time, by the same clock.</param>
    public TimeSpan Left(TimeSpan looked, TimeSpan now) =>
        (IsHurried(now) ? period / TimesAsOften : period) - (now - looked);

    /// <summary>Whether a VM has just begun.</summary>
    public bool IsHurried(TimeSpan now) => now - _begun < VmBeginning.Lasts;
}
